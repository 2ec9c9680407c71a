// Sends a greeting whenever an input arrives.
#include <dora/dora.hpp>

#include <iostream>

int main()
try {
    dora::Node node;
    for ([[maybe_unused]] dora::Input &input : node.inputs())
        node.send("speech", "Hello from talker_1");
} catch (const dora::Error &error) {
    std::cerr << error.what() << '\n';
    return 1;
}
