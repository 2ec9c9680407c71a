// Prints what it hears, until nothing more can come.
#include <dora/dora.hpp>

#include <iostream>

int main()
try {
    dora::Node node;
    for (dora::Input &input : node.inputs())
        std::cout << "I heard on " << input.id() << ": " << input.text() << std::endl;
} catch (const dora::Error &error) {
    std::cerr << error.what() << '\n';
    return 1;
}
