"""One more token a row through the language stack of a Qwen-VL, in a quarter of the operations that its layers take.

While 64 rows of the mini policy get a token each, most of the time went into what stands around the products:
dequantising weights, casts, masks, thousands of small operations. Here layers that share their input are
one product, adapters included; rotary embeddings and masks are made once. Adapters keep their own precision: they stay
apart from weights in 16 bits, which would round them, and are added to small weights in float32. What comes out is what
the model gives, up to the order in which floats are added.
"""

import logging
from collections.abc import Sequence
from inspect import getclosurevars
from typing import Any

import torch
from accelerate.utils import extract_model_from_parallel
from torch import Tensor
from torch.nn.functional import linear, silu
from transformers.activations import SiLUActivation

from ..core.messages import say_once
from .decode_states import DecodeStates
from .dense_weights import SPARE, base_of, dense_weight, has_room, is_altered, is_heard, unplain_reason
from .tested_versions import untested_reason

logger = logging.getLogger(__name__)

MODEL_TYPES = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl")
"""Whose prompts can be shared, and who can have a decode stack."""


ROPES = ("default", "linear", "yarn", "llama3")
"""Rotary embeddings whose frequencies stay the same however long a text gets."""
LINEARS = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj")
LINEARS += ("mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")
SMALL = 2**20
"""Elements of a weight up to which its adapters' two products cost more in being called than in multiplying."""


def whole_model(model: Any) -> Any:
    """The model with its head, without the shells of several processes and of adapters, which are in its layers."""
    model = extract_model_from_parallel(model)
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def decode_stack(whole: Any) -> "DecodeStack | None":
    """The decode stack of a model, where its layers are what it takes them for; else None, and the reason is said once.

    Args:
        whole: the model with its head, without the shell of adapters, which are in its layers.

    Returns:
        None for whatever is not known to be plain: the model itself then computes each token, as it would anyway.
    """
    if reason := unstackable_reason(whole):
        say_once(logger, f"generation is slower than it could be: there is no decode stack, because {reason}")
        return None
    return DecodeStack(whole)


def unstackable_reason(whole: Any) -> str | None:
    """Why a model cannot have a decode stack now, in words that follow "because"; None where it can."""
    if whole.config.model_type not in MODEL_TYPES:
        return f"the model is of type {whole.config.model_type}; expected {', '.join(MODEL_TYPES)}"
    if reason := untested_reason("transformers", "peft", "bitsandbytes"):
        return f"this is {reason}"
    if not has_own_forward(whole):
        kind = type(whole).__name__
        return f"{kind} is not a class of transformers, or has hooks or another forward pass (autocast puts one there)"
    for name, part in _read(whole):
        if not _is_released(part, whole):
            return f"{name} has hooks, or is not as transformers releases it: a {type(part).__name__}"
    text = whole.model.language_model
    if any(layer.self_attn.training and layer.self_attn.attention_dropout for layer in text.layers):
        return "there is attention dropout in train mode"
    if text.rotary_emb.rope_type not in ROPES:
        return f"rotary embeddings are of type {text.rotary_emb.rope_type}; expected {', '.join(ROPES)}"
    linears = [
        (f"layers.{k}.{name}", layer.get_submodule(name)) for k, layer in enumerate(text.layers) for name in LINEARS
    ]
    for name, layer in linears:
        if reason := unplain_reason(layer):
            return f"{name} {reason}"
    return _no_place([base_of(layer) for _, layer in linears])


def _no_place(bases: list[Any]) -> str | None:
    """Why there is no place for the copies that a decode stack makes of these linear layers; None where there is."""
    devices = sorted({str(base.weight.device) for base in bases})
    if len(devices) > 1 or devices == ["meta"]:
        return f"weights are on {' and '.join(devices)}; expected one device"
    if not has_room(bases):
        return f"memory is short; expected {SPARE} times the size of its weights to be free"
    return None


def has_own_forward(whole: Any) -> bool:
    """Whether a model runs the forward pass of its transformers class and nobody listens: no class of one's own, no
    hooks, no autocast put around it.

    The fused head of TRL's trainers (TRL 1.16) is let through: it changes nothing unless it is asked to.
    """
    forward = whole.forward
    while _is_fused_head(forward):
        forward = getclosurevars(forward.__func__).nonlocals["original_forward"]
    if not type(whole).__module__.startswith("transformers.models."):
        return False
    return getattr(forward, "__func__", None) is type(whole).forward and not is_heard(whole)


def _is_fused_head(forward: Any) -> bool:
    function = getattr(forward, "__func__", None)
    code = getattr(function, "__code__", None)
    return (
        getattr(code, "co_name", None) == "_fused_forward" and function.__globals__["__name__"] == "trl.trainer.utils"
    )


def _read(whole: Any) -> list[tuple[str, Any]]:
    """Names and modules that a decode stack reads and does not call, but the model and the linear layers (`is_plain`).

    The head and the embeddings are called, so what listens to them is heard.
    """
    text = whole.model.language_model
    called = set(text.embed_tokens.modules())
    inside = [pair for pair in text.named_modules() if ".".join(pair[0].split(".")[2:4]) not in LINEARS]
    parts = [(name or "language_model", part) for name, part in inside if part not in called]
    return [("model", whole.model), *parts]


def _is_released(part: Any, whole: Any) -> bool:
    """Whether a module is as transformers releases it for this type of model: not altered, not a class of one's own."""
    home = f"transformers.models.{whole.config.model_type}."
    is_known = type(part) in (torch.nn.ModuleList, SiLUActivation) or type(part).__module__.startswith(home)
    return is_known and not is_altered(part)


class Joined:
    """Linear layers that share their input as one: their weights below each other, and their adapters.

    Adapters are one product to all ranks and one from each rank to the outputs of its own layer; where weights and
    adapters both are float32, and the weights `SMALL`, they are added to a copy of these.
    """

    def __init__(self, layers: Sequence[Any]):
        bases = [base_of(layer) for layer in layers]
        weights = [dense_weight(base) for base in bases]
        self.weight = weights[0] if len(weights) == 1 else torch.cat(weights)  # (out, in)
        biases = [self.weight.new_zeros(base.out_features) if base.bias is None else base.bias for base in bases]
        has_bias = any(base.bias is not None for base in bases)
        self.bias = torch.cat(biases).detach().to(self.weight.dtype) if has_bias else None  # (out,)
        downs, ups = [], []
        for layer in layers:
            pairs = _adapters(layer)
            downs += [down for down, _ in pairs]
            width = base_of(layer).out_features
            ups.append(torch.cat([up for _, up in pairs], dim=1) if pairs else self.weight.new_zeros(width, 0))
        self.down = torch.cat(downs) if downs else None  # (ranks, in)
        self.up = torch.block_diag(*ups) if downs else None  # (out, ranks)
        if downs and self.weight.dtype == self.down.dtype == torch.float32 and self.weight.numel() <= SMALL:
            self.weight, self.down = torch.addmm(self.weight, self.up, self.down), None

    def __call__(self, x: Tensor) -> Tensor:
        """(rows, in) to (rows, out)."""
        out = linear(x.to(self.weight.dtype), self.weight, self.bias).to(x.dtype)
        if self.down is None:
            return out
        return out + linear(linear(x.to(self.down.dtype), self.down), self.up).to(out.dtype)


class DecodeStack:
    """The language stack and head of a Qwen2-VL, 2.5-VL or 3-VL for one token a row, without gradients.

    Build it anew where adapters have changed; `decode_stack` says where it can be.
    """

    def __init__(self, whole: Any):
        self.text, self.head = whole.model.language_model, whole.lm_head
        config = self.text.config
        self.heads, self.kept = config.num_attention_heads, config.num_key_value_heads
        self.layers = [_Layer(layer) for layer in self.text.layers]
        self.norm = _Norm(self.text.norm)

    def rotary(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Cosines and sines at positions of shape (3, rows, tokens): each of shape (rows, tokens, width)."""
        return self.text.rotary_emb(self.text.embed_tokens.weight[:1], positions)

    def __call__(self, tokens: Tensor, states: DecodeStates) -> Tensor:
        """Logits after one more token a row, shape (rows, vocabulary).

        Args:
            tokens: shape (rows,).
            states: keys and values so far; grow by one token.
        """
        rows, heads, kept = len(tokens), self.heads, self.kept
        cos, sin = states.rotary()  # (rows, 1, width)
        x = self.text.embed_tokens(tokens)  # (rows, hidden)
        for k, layer in enumerate(self.layers):
            found = layer.qkv(layer.norm(x)).view(rows, heads + 2 * kept, -1)  # (rows, heads, width)
            turned, value = found[:, : heads + kept], found[:, heads + kept :]
            if layer.head_norms is not None:
                parts = zip(layer.head_norms, turned.split((heads, kept), 1), strict=True)
                turned = torch.cat([norm(part) for norm, part in parts], 1)
            left, right = turned.chunk(2, dim=-1)
            turned = turned * cos + torch.cat((-right, left), dim=-1) * sin
            seen = states.attend(k, turned[:, :heads] * layer.scale, turned[:, heads:], value)
            x = x + layer.out(seen)
            gate, up = layer.gate_up(layer.norm_after(x)).chunk(2, dim=-1)
            x = x + layer.down(silu(gate) * up)
        states.length += 1
        return self.head(self.norm(x))


class _Norm:
    """Root-mean-square norm: torch's own is slower on a CPU for a few rows."""

    def __init__(self, norm: Any):
        self.weight, self.eps = norm.weight.detach(), norm.variance_epsilon

    def __call__(self, x: Tensor) -> Tensor:
        wide = x.float()
        return self.weight * (wide * wide.square().mean(-1, keepdim=True).add_(self.eps).rsqrt_()).to(x.dtype)


class _Layer:
    def __init__(self, layer: Any):
        attention, mlp = layer.self_attn, layer.mlp
        self.norm, self.norm_after = _Norm(layer.input_layernorm), _Norm(layer.post_attention_layernorm)
        norms = [getattr(attention, name, None) for name in ("q_norm", "k_norm")]
        self.head_norms = None if None in norms else [_Norm(norm) for norm in norms]
        self.scale = attention.scaling
        self.qkv = Joined([attention.q_proj, attention.k_proj, attention.v_proj])
        self.out = Joined([attention.o_proj])
        self.gate_up = Joined([mlp.gate_proj, mlp.up_proj])
        self.down = Joined([mlp.down_proj])


def _adapters(layer: Any) -> list[tuple[Tensor, Tensor]]:
    """(down, up) of each active adapter of a layer, the scaling in the second."""
    if not hasattr(layer, "get_base_layer") or layer.disable_adapters:
        return []
    names = [name for name in layer.active_adapters if name in layer.lora_A]
    return [
        (layer.lora_A[name].weight.detach(), layer.lora_B[name].weight.detach() * layer.scaling[name]) for name in names
    ]
