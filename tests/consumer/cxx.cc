#include <dora/dora.hpp>

#include <cstring>
#include <iostream>

int main()
try {
    if (std::strcmp(dora_version(), DORA_VERSION) != 0)
        return 2;
    dora::Node node;
    for (dora::Input &input : node.inputs())
        node.send("reply", input.bytes(), dora::Params{{"size", static_cast<int>(input.size_bytes())}});
} catch (const dora::Error &error) {
    std::cerr << error.what() << '\n';
    return 1;
}
