"""Requests as programs for AUTOMATIC1111's web UI send them."""

import base64
import json
import threading

import png
from serving import OBJECTS, PROMPT, ask, wait_until

BOXES = {"gligen": {"args": [{"objects": OBJECTS}]}}


def check_txt2img(address: str) -> None:
    body = {
        "prompt": PROMPT,
        "negative_prompt": "blurry",
        "seed": 7,
        "steps": 4,
        "cfg_scale": 4,
        "width": 128,
        "height": 64,
        "batch_size": 2,
        "sampler_name": "DPM++ 2M",
        "scheduler": "Karras",
        "alwayson_scripts": BOXES,
        "restore_faces": False,
        "save_images": False,
    }
    status, answer = ask(address, "/sdapi/v1/txt2img", body)
    assert status == 200, answer
    assert [png.size(picture) for picture in answer["images"]] == [(128, 64)] * 2
    info = json.loads(answer["info"])
    assert info["all_seeds"] == [7, 8], info
    assert PROMPT in info["infotexts"][1], info
    status, texts = ask(address, "/sdapi/v1/png-info", {"image": answer["images"][1]})
    assert status == 200 and texts["info"] == info["infotexts"][1], texts
    assert texts["parameters"]["Negative prompt"] == "blurry" and texts["parameters"]["Seed"] == "8", texts


def check_img2img(address: str) -> None:
    room = png.half(128, 128, left=b"\x10\x80\xf0", right=b"\xf0\xe0\x10")
    mask = png.half(128, 128, left=b"\0\0\0", right=b"\xff\xff\xff")
    body = {
        "prompt": PROMPT,
        "steps": 4,
        "init_images": ["data:image/png;base64," + base64.b64encode(room).decode()],
        "mask": base64.b64encode(mask).decode(),
        "inpainting_mask_invert": 0,
        "denoising_strength": 1,
        "alwayson_scripts": BOXES,
    }
    status, answer = ask(address, "/sdapi/v1/img2img", body)
    assert status == 200, answer
    assert png.size(answer["images"][0]) == (128, 128)


def check_progress_and_interrupt(address: str) -> None:
    answers = []
    drawing = threading.Thread(
        target=lambda: answers.append(ask(address, "/sdapi/v1/txt2img", {"prompt": PROMPT, "steps": 250}))
    )
    drawing.start()
    seen = []

    def is_on_its_way() -> bool:
        seen.append(ask(address, "/sdapi/v1/progress")[1])
        return seen[-1]["state"]["sampling_step"] > 0

    wait_until(is_on_its_way)
    assert seen[-1]["state"]["job_count"] == 1 and 0 < seen[-1]["progress"] < 1, seen[-1]
    assert ask(address, "/sdapi/v1/interrupt", {})[0] == 200
    drawing.join()
    ((status, answer),) = answers
    assert status == 409 and "cancelled" in answer["detail"], answer
    wait_until(lambda: ask(address, "/sdapi/v1/progress")[1]["state"]["job_count"] == 0)


def check_what_is_wrong(address: str) -> None:
    status, answer = ask(address, "/sdapi/v1/txt2img", {"prompt": PROMPT, "sampler_name": "magic"})
    assert status == 422 and "no sampler `magic`" in answer["detail"], answer
