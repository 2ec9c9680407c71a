#include <dora/operator.hpp>

class Threshold
{
  public:
    dora::Status on_event(dora::Node &node, const dora::Event &event)
    {
        auto *input = std::get_if<dora::Input>(&event);
        if (!input)
            return dora::Status::proceed;
        dora::Loan<> mask = node.loan(input->size_bytes());
        for (std::size_t i = 0; i < mask.size(); i++)
            mask[i] = input->bytes()[i] > 128;
        node.send("mask", std::move(mask), dora::Params{{"sent", ++sent_}});
        return sent_ == 1000 ? dora::Status::stop : dora::Status::proceed;
    }

  private:
    int sent_ = 0;
};

DORA_OPERATOR(Threshold)
