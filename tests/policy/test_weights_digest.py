"""The digest of a policy's weights: the same for the same weights, another for a change of one value."""

import torch
from peft import LoraConfig, get_peft_model

from vlaa_helpers.policy.weights_digest import weights_digest


def base():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.Linear(5, 4))


def adapted(seed=0, **settings):
    model = base()
    torch.manual_seed(seed)
    return get_peft_model(model, LoraConfig(**{"r": 2, "lora_alpha": 3, "target_modules": ["0", "1"], **settings}))


def test_a_fresh_adapter_adds_nothing_whatever_its_seed():
    assert weights_digest(adapted(1)) == weights_digest(adapted(2)) == weights_digest(base())


def test_each_value_of_an_adapter_counts_and_its_scale():
    model, found = adapted(), set()
    model.base_model.model[1].lora_B["default"].weight.data[3, 1] = 1e-6
    found.add(weights_digest(model))
    model.base_model.model[1].lora_A["default"].weight.data[0, 0] += 1e-6
    found.add(weights_digest(model))
    model.base_model.model[1].scaling["default"] = 1.0
    found.add(weights_digest(model))
    assert len(found | {weights_digest(base())}) == 4


def test_an_adapter_that_is_off_does_not_count_nor_does_one_that_is_not_used():
    model = adapted()
    model.base_model.model[0].lora_B["default"].weight.data += 1
    before = weights_digest(model)
    model.add_adapter("ref", LoraConfig(r=2, target_modules=["0", "1"]))
    model.base_model.model[0].lora_B["ref"].weight.data += 2
    assert weights_digest(model) == before != weights_digest(base())
    with model.disable_adapter():
        assert weights_digest(model) == weights_digest(base())


def test_another_base_is_another_policy():
    model = base()
    model[1].bias.data[0] += 1e-3
    assert weights_digest(model) != weights_digest(base())
