// Arrays of Arrow C++ with dora.hpp: `arrow source` sends, `arrow sink` prints them.
#include <dora/dora.hpp>

#include <arrow/api.h>

#include <iostream>
#include <string>

#if !DORA_HAS_ARROW
#error "dora.hpp has not found Arrow C++"
#endif

namespace
{
template <class Builder, class Fill> std::shared_ptr<arrow::Array> built(Fill fill)
{
    Builder builder;
    fill(builder);
    return builder.Finish().ValueOrDie();
}

void source()
{
    dora::Node node;
    auto words = built<arrow::StringBuilder>([](auto &builder) {
        (void)builder.Append("to");
        (void)builder.AppendNull();
        (void)builder.Append("be");
    });
    auto numbers = built<arrow::Int32Builder>([](auto &builder) { (void)builder.AppendValues({10, 100, 1000}); });
    node.send("words", *words);
    node.send("numbers", static_cast<arrow::Int32Array &>(*numbers), dora::Params{{"count", 3}});
}

void sink()
{
    dora::Node node;
    for (dora::Input &input : node.inputs()) {
        std::shared_ptr<arrow::Array> array = input.array();
        std::cout << input.id() << ' ' << array->type()->ToString() << ':';
        for (std::int64_t i = 0; i < array->length(); i++)
            std::cout << (i ? "," : " ") << array->GetScalar(i).ValueOrDie()->ToString();
        std::cout << std::endl;
    }
}
} // namespace

int main(int argc, char **argv)
try {
    argc > 1 && std::string(argv[1]) == "source" ? source() : sink();
} catch (const dora::Error &error) {
    std::cerr << error.what() << std::endl;
    return 1;
}
