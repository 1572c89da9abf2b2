"""The reference's side of `cargo xtask bench`: diffusers on torch's CPU kernels, in f32.

    python benches/reference.py process MODEL [--steps N]            a picture, as a whole process
    python benches/reference.py picture MODEL [--channels-last]      pictures inside one process
    python benches/reference.py layers [--channels-last]             single layers
    python benches/reference.py full MODEL [--channels-last]         the stages of a full-size model
    python benches/reference.py text-image MODEL [--channels-last]   what one that takes pictures has more

Each prints what it timed as objects, one a line; benches/src says the same things in the same words.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

import torch

PROMPT = "a cat and a red apple on a light blue background"
PHRASES = ["a cat", "a red apple"]
BOXES = [[0.05, 0.30, 0.50, 0.90], [0.60, 0.40, 0.90, 0.70]]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=["process", "picture", "layers", "full", "text-image"])
    parser.add_argument("model", nargs="?", type=Path)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--channels-last", action="store_true")
    # The model may stand behind the flags.
    arguments = parser.parse_intermixed_args()
    quiet()
    layout = torch.channels_last if arguments.channels_last else torch.contiguous_format
    with torch.inference_mode():
        if arguments.part == "process":
            load_pipeline(arguments.model, layout)(arguments.steps).save("target/bench/reference.png")
        elif arguments.part == "picture":
            draw = load_pipeline(arguments.model, layout)
            timed("built-in model, 30 steps, inside one process", lambda: draw(30))
        elif arguments.part == "layers":
            layers(layout)
        elif arguments.part == "full":
            full_size(arguments.model, layout)
        else:
            text_image(arguments.model, layout)


def quiet() -> None:
    import diffusers
    import transformers

    for logging in (diffusers.utils.logging, transformers.utils.logging):
        logging.set_verbosity_error()
        logging.disable_progress_bar()


def load_pipeline(model: Path, layout: torch.memory_format):
    """The default picture of the built-in model, as a function of the number of steps."""
    from diffusers import StableDiffusionGLIGENPipeline

    pipeline = StableDiffusionGLIGENPipeline.from_pretrained(model, dtype=torch.float32, safety_checker=None)
    pipeline.set_progress_bar_config(disable=True)
    pipeline.unet.to(memory_format=layout)
    pipeline.vae.to(memory_format=layout)

    def draw(steps: int):
        output = pipeline(
            PROMPT,
            gligen_phrases=PHRASES,
            gligen_boxes=BOXES,
            num_inference_steps=steps,
            guidance_scale=4.0,
            gligen_scheduled_sampling_beta=1.0,
            generator=torch.Generator().manual_seed(0),
        )
        return output.images[0]

    return draw


def layers(layout: torch.memory_format) -> None:
    from diffusers.models.activations import GEGLU
    from diffusers.models.attention import BasicTransformerBlock, FeedForward, GatedSelfAttentionDense
    from diffusers.models.downsampling import Downsample2D
    from diffusers.models.resnet import ResnetBlock2D
    from diffusers.models.upsampling import Upsample2D
    from torch import nn
    from torch.nn import functional

    torch.manual_seed(0)

    def pixels(batch: int, channels: int, side: int) -> torch.Tensor:
        return torch.randn(batch, channels, side, side).to(memory_format=layout)

    def tokens(count: int, channels: int) -> torch.Tensor:
        return torch.randn(2, count, channels)

    def heads(number: int, count: int, width: int) -> torch.Tensor:
        return torch.randn(2, number, count, width)

    def module(made: nn.Module) -> nn.Module:
        return made.eval().to(memory_format=layout)

    for channels, side in [(320, 64), (640, 32), (1280, 16)]:
        conv, x = module(nn.Conv2d(channels, channels, 3, padding=1)), pixels(2, channels, side)
        timed(f"conv 3×3, {channels} channels, {side}×{side}", lambda: conv(x))
    conv, x = module(nn.Conv2d(128, 128, 3, padding=1)), pixels(1, 128, 512)
    timed("conv 3×3, 128 channels, 512×512, one picture", lambda: conv(x))
    conv, x = module(nn.Conv2d(320, 320, 1)), pixels(2, 320, 64)
    timed("conv 1×1, 320 channels, 64×64", lambda: conv(x))
    down, x = module(Downsample2D(320, use_conv=True)), pixels(2, 320, 64)
    timed("downsample, 320 channels, 64×64", lambda: down(x))
    up, x = module(Upsample2D(640, use_conv=True)), pixels(2, 640, 32)
    timed("upsample, 640 channels, 32×32", lambda: up(x))
    norm, x = module(nn.GroupNorm(32, 320)), pixels(2, 320, 64)
    timed("group norm and SiLU, 320 channels, 64×64", lambda: functional.silu(norm(x)))
    for channels, side in [(320, 64), (1280, 16)]:
        block = module(ResnetBlock2D(in_channels=channels, temb_channels=1280))
        x, time_embedding = pixels(2, channels, side), torch.randn(2, 1280)
        timed(f"ResNet block, {channels} channels, {side}×{side}", lambda: block(x, time_embedding))

    for width, count in [(320, 4096), (1280, 256)]:
        linear, x = module(nn.Linear(width, width)), tokens(count, width)
        timed(f"linear {width} → {width}, {count} tokens", lambda: linear(x))
    norm, x = module(nn.LayerNorm(320)), tokens(4096, 320)
    timed("layer norm, 4096 tokens of 320", lambda: norm(x))
    gate, x = GEGLU(1, 1), tokens(4096, 2560)
    gate.proj = nn.Identity()
    timed("GEGLU, 4096 tokens of 1280", lambda: gate(x))
    feed_forward, x = module(FeedForward(320, activation_fn="geglu")), tokens(4096, 320)
    timed("feed-forward, 4096 tokens of 320", lambda: feed_forward(x))
    attend = functional.scaled_dot_product_attention
    q, k, v = heads(8, 4096, 40), heads(8, 4096, 40), heads(8, 4096, 40)
    timed("attention, 4096 tokens, 8 heads of 40", lambda: attend(q, k, v))
    k, v = heads(8, 77, 40), heads(8, 77, 40)
    timed("attention, 4096 tokens to 77, 8 heads of 40", lambda: attend(q, k, v))
    q, k, v = heads(1, 4096, 512), heads(1, 4096, 512), heads(1, 4096, 512)
    timed("attention, 4096 tokens, 1 head of 512", lambda: attend(q, k, v))

    x, objects, text = tokens(4096, 320), tokens(30, 768), tokens(77, 768)
    fuser = module(GatedSelfAttentionDense(320, 768, 8, 40))
    timed("fuser, 4096 tokens of 320, 30 objects", lambda: fuser(x, objects))
    block = module(BasicTransformerBlock(320, 8, 40, cross_attention_dim=768, attention_type="gated"))
    grounded = {"gligen": {"objs": objects}}
    timed(
        "transformer block, 4096 tokens of 320, 30 objects",
        # The block takes its part out of the dictionary.
        lambda: block(x, encoder_hidden_states=text, cross_attention_kwargs=dict(grounded)),
    )


def full_size(model: Path, layout: torch.memory_format) -> None:
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from diffusers.models.attention import GatedSelfAttentionDense
    from transformers import CLIPTextModel, CLIPTokenizer

    def load() -> tuple:
        unet = UNet2DConditionModel.from_pretrained(model / "unet", dtype=torch.float32)
        vae = AutoencoderKL.from_pretrained(model / "vae", dtype=torch.float32)
        text_encoder = CLIPTextModel.from_pretrained(model / "text_encoder", dtype=torch.float32)
        parts = [part.eval().to(memory_format=layout) for part in (unet, vae, text_encoder)]
        return *parts, CLIPTokenizer.from_pretrained(model / "tokenizer")

    unet, vae, text_encoder, tokenizer = once("full size, load", load)

    def encode(texts: list[str]):
        # As the pipeline does: padding is not masked.
        return text_encoder(tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt").input_ids)

    def texts() -> tuple[torch.Tensor, torch.Tensor]:
        return encode(["", PROMPT]).last_hidden_state, encode(PHRASES).pooler_output

    states, pooled = texts()
    timed("full size, text: two captions, two phrases", texts)
    show("captions", states)
    show("phrases", pooled)
    boxes, masks, embeddings = torch.zeros(2, 30, 4), torch.zeros(2, 30), torch.zeros(2, 30, 768)
    boxes[:, :2], embeddings[:, :2] = torch.tensor(BOXES), pooled
    masks[1, :2] = 1
    grounding = {"boxes": boxes, "masks": masks, "positive_embeddings": embeddings}
    latents = wave(2 * 4 * 64 * 64).reshape(2, 4, 64, 64).to(memory_format=layout)

    def step() -> torch.Tensor:
        kwargs = {"gligen": dict(grounding)}
        return unet(latents, 981, encoder_hidden_states=states, cross_attention_kwargs=kwargs).sample

    show("prediction, fusers on", once("full size, first UNet step, fusers on", step))
    once("full size, UNet step, fusers on", step)
    whole = latents
    latents = whole[:, :, :32, :32].contiguous(memory_format=layout)
    step()
    once("full size, UNet step of half the side, fusers on", step)
    latents = whole
    for part in unet.modules():
        if isinstance(part, GatedSelfAttentionDense):
            part.enabled = False
    show("prediction, fusers off", once("full size, UNet step, fusers off", step))
    show("picture", once("full size, decode", lambda: vae.decode(latents[:1]).sample))


def text_image(model: Path, layout: torch.memory_format) -> None:
    from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionGLIGENTextImagePipeline, UNet2DConditionModel
    from diffusers.pipelines.stable_diffusion.clip_image_project_model import CLIPImageProjection
    from PIL import Image
    from transformers import CLIPImageProcessorPil, CLIPTextModel, CLIPTokenizer, CLIPVisionModelWithProjection

    def load(network: type, name: str) -> torch.nn.Module:
        return network.from_pretrained(model / name, dtype=torch.float32).eval().to(memory_format=layout)

    image_encoder = load(CLIPVisionModelWithProjection, "image_encoder")
    pixel_values = wave(2 * 3 * 224 * 224).reshape(2, 3, 224, 224).to(memory_format=layout)
    timed("full size, CLIP vision: two pictures", lambda: image_encoder(pixel_values))
    show("pictures", image_encoder(pixel_values).image_embeds)

    pipeline = StableDiffusionGLIGENTextImagePipeline(
        vae=load(AutoencoderKL, "vae"),
        text_encoder=load(CLIPTextModel, "text_encoder"),
        tokenizer=CLIPTokenizer.from_pretrained(model / "tokenizer"),
        # The half of a processor that the pipeline uses.
        processor=CLIPImageProcessorPil.from_pretrained(model / "processor"),
        image_encoder=image_encoder,
        image_project=load(CLIPImageProjection, "image_project"),
        unet=load(UNet2DConditionModel, "unet"),
        scheduler=DDIMScheduler.from_pretrained(model / "scheduler"),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.set_progress_bar_config(disable=True)
    ended = []
    pipeline(
        PROMPT,
        gligen_phrases=PHRASES,
        gligen_images=[Image.new("RGB", (224, 224))] * 2,
        gligen_boxes=BOXES,
        num_inference_steps=2,
        gligen_scheduled_sampling_beta=1.0,
        generator=torch.Generator().manual_seed(0),
        output_type="latent",
        callback=lambda *_: ended.append(time.perf_counter()),
    )
    tell("full size, a step with phrases and pictures", ended[-1] - ended[-2])


def wave(count: int) -> torch.Tensor:
    """Numbers that both sides can make."""
    return torch.sin(torch.arange(count, dtype=torch.float64)).mul(2**0.5).float()


def timed(what: str, work) -> None:
    """One run to warm up, then runs for half a second, five at least: prints the median."""
    work()
    seconds = []
    while len(seconds) < 5 or sum(seconds) < 0.5:
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    tell(what, statistics.median(seconds))


def once(what: str, work):
    start = time.perf_counter()
    result = work()
    tell(what, time.perf_counter() - start)
    return result


def tell(what: str, seconds: float) -> None:
    print(json.dumps({"what": what, "unit": "s", "value": seconds}), flush=True)


def show(what: str, tensor: torch.Tensor) -> None:
    """The size of a result, for a look at whether both sides compute the same."""
    print(f"{what}: root mean square {tensor.square().mean().sqrt():.6f}", file=sys.stderr)


if __name__ == "__main__":
    main()
