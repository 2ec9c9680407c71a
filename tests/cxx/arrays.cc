// Arrow arrays and metadata of every kind with dora-node-api.h: `arrays source` sends, `arrays sink` prints them.
#include <dora-node-api.h>

#include <iostream>
#include <string>

namespace
{
int freed;

void release_array(ArrowArray *array)
{
    freed++;
    array->release = nullptr;
}

void release_schema(ArrowSchema *schema)
{
    freed++;
    schema->release = nullptr;
}

rust::Box<Metadata> everything()
{
    auto metadata = new_metadata();
    metadata->set_string("producer", "cpp \"node\"");
    metadata->set_int("iteration", -7);
    metadata->set_bool("successful", true);
    metadata->set_float("weight", 0.1);
    metadata->set_float("whole", 2);
    metadata->set_timestamp("taken", 1500000000);
    rust::Vec<int64_t> multiples;
    multiples.push_back(1);
    multiples.push_back(2);
    metadata->set_list_int("multiples", std::move(multiples));
    metadata->set_list_float("weights", rust::Vec<double>{0.5, 1e300});
    rust::Vec<rust::String> notes;
    notes.push_back("generated");
    notes.push_back("from_cpp");
    metadata->set_list_string("notes", std::move(notes));
    return metadata;
}

int source()
{
    auto dora_node = init_dora_node();
    static const int32_t values[] = {10, 100, 1000};
    static const void *buffers[] = {nullptr, values};
    ArrowArray array = {};
    array.length = 3;
    array.n_buffers = 2;
    array.buffers = buffers;
    array.release = release_array;
    ArrowSchema schema = {};
    schema.format = "i";
    schema.release = release_schema;
    auto result = send_arrow_output(dora_node.send_output, "array", reinterpret_cast<uint8_t *>(&array),
                                    reinterpret_cast<uint8_t *>(&schema), everything());
    if (!result.error.empty() || freed != 2 || array.release || schema.format)
        return 2;
    // What is nothing to send is an error, and not taken.
    if (send_arrow_output(dora_node.send_output, "array", nullptr, nullptr).error.empty())
        return 3;
    return 0;
}

void show(const Metadata &metadata, const rust::String &key)
{
    std::cout << key << " = ";
    switch (metadata.type(key)) {
    case MetadataValueType::Bool:
        std::cout << std::boolalpha << metadata.get_bool(key);
        break;
    case MetadataValueType::Integer:
        std::cout << metadata.get_int(key);
        break;
    case MetadataValueType::Float:
        std::cout << metadata.get_float(key);
        break;
    case MetadataValueType::String:
        std::cout << metadata.get_str(key);
        break;
    case MetadataValueType::Timestamp:
        std::cout << metadata.get_timestamp(key) << " ns";
        break;
    case MetadataValueType::ListInt:
        for (auto value : metadata.get_list_int(key))
            std::cout << value << ' ';
        break;
    case MetadataValueType::ListFloat:
        for (auto value : metadata.get_list_float(key))
            std::cout << value << ' ';
        break;
    case MetadataValueType::ListString:
        for (const auto &value : metadata.get_list_string(key))
            std::cout << value << ' ';
        break;
    }
    std::cout << " json " << metadata.get_json(key) << std::endl;
}

int sink()
{
    auto dora_node = init_dora_node();
    for (auto event = dora_node.events->next(); event_type(event) != DoraEventType::AllInputsClosed;
         event = dora_node.events->next()) {
        if (event_type(event) != DoraEventType::Input)
            continue;
        ArrowArray array;
        ArrowSchema schema;
        auto info = event_as_arrow_input_with_info(std::move(event), reinterpret_cast<uint8_t *>(&array),
                                                   reinterpret_cast<uint8_t *>(&schema));
        if (!info.error.empty())
            return 2;
        std::cout << info.id << ' ' << schema.format << ':';
        for (int64_t i = 0; i < array.length; i++)
            std::cout << ' ' << static_cast<const int32_t *>(array.buffers[1])[array.offset + i];
        std::cout << std::endl;
        array.release(&array);
        schema.release(&schema);
        auto metadata = std::move(info.metadata);
        for (const auto &key : metadata->list_keys())
            show(*metadata, key);
        std::cout << metadata->to_json() << std::endl;
        for (const char *key : {"missing", "producer"})
            try {
                metadata->get_int(key);
                return 3;
            } catch (const std::exception &error) {
                std::cout << "error: " << error.what() << std::endl;
            }
    }
    return 0;
}
} // namespace

int main(int argc, char **argv)
try {
    return argc > 1 && std::string(argv[1]) == "source" ? source() : sink();
} catch (const std::exception &error) {
    std::cerr << error.what() << std::endl;
    return 1;
}
