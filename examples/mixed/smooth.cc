// Takes out some of the noise: each sample becomes the mean of three.
#include <dora/operator.hpp>

class Smooth
{
  public:
    void on_event(dora::Node &node, const dora::Event &event)
    {
        auto *input = std::get_if<dora::Input>(&event);
        if (!input)
            return;
        auto sound = input->as<float>();              // where the microphone wrote it
        auto smooth = node.loan<float>(sound.size()); // where the next ones will read it
        for (std::size_t i = 0; i < sound.size(); i++) {
            float after = i + 1 < sound.size() ? sound[i + 1] : sound[i];
            smooth.values()[i] = (before_ + sound[i] + after) / 3;
            before_ = sound[i];
        }
        node.send("sound", std::move(smooth), input->params());
    }

  private:
    float before_ = 0;
};

DORA_OPERATOR(Smooth);
