// A node that says its further arguments, one message each ("say"), or one that prints what it hears ("hear").
#include <dora/dora.hpp>

#include <iostream>

int main(int argc, char **argv)
try {
    dora::Node node;
    if (argc > 1 && argv[1] == std::string_view("say")) {
        for (int i = 2; i < argc; i++)
            node.send("words", argv[i], dora::Params{{"number", i - 1}});
        return 0;
    }
    for (dora::Event &event : node)
        std::visit(dora::overloaded{
                       [](dora::Input &input) {
                           std::cout << input.id() << ": " << input.text() << ' ' << input.params().get_or("number", 0)
                                     << std::endl;
                       },
                       [](dora::NodeFailed &failed) {
                           std::cout << "failed: " << failed.node() << ": " << failed.message() << std::endl;
                       },
                       [](auto &) {},
                   },
                   event);
} catch (const dora::Error &error) {
    std::cerr << error.what() << '\n';
    return 1;
}
