"""The `openai` package, as its users call it."""

import base64
import json
import urllib.request

import openai
import png
from serving import OBJECTS, PATIENCE, PROMPT


def client(address: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{address}/v1", api_key="none", timeout=PATIENCE, max_retries=0)


def check_models(address: str) -> None:
    (model,) = client(address).models.list()
    assert model.id and model.object == "model", model


def check_generate(address: str) -> None:
    answer = client(address).images.generate(
        model="gpt-image-1",
        prompt=PROMPT,
        n=2,
        size="128x64",
        response_format="b64_json",
        quality="low",
        extra_body={"objects": OBJECTS, "seed": 5, "steps": 4},
    )
    assert len(answer.data) == 2 and answer.created > 0, answer
    assert [png.size(picture.b64_json) for picture in answer.data] == [(128, 64)] * 2
    assert answer.data[0].b64_json != answer.data[1].b64_json


def check_addresses(address: str) -> None:
    wishes = {"prompt": PROMPT, "extra_body": {"objects": OBJECTS, "seed": 5, "steps": 4}}
    images = client(address).images
    (by_address,) = images.generate(**wishes, response_format="url").data
    assert by_address.b64_json is None and by_address.url.startswith(address), by_address
    with urllib.request.urlopen(by_address.url, timeout=PATIENCE) as answer:
        file = answer.read()
    (itself,) = images.generate(**wishes).data
    assert base64.b64decode(itself.b64_json) == file


def check_edit(address: str) -> None:
    images = client(address).images
    room = png.half(128, 128, left=b"\x10\x80\xf0", right=b"\xf0\xe0\x10")
    mask = png.half(128, 128, left=b"\0\0\0\xff", right=b"\0\0\0\0")
    layout = {"objects": json.dumps(OBJECTS), "seed": 5, "steps": 4}
    edited = images.edit(
        image=room, mask=mask, prompt=PROMPT, n=2, size="128x128", response_format="b64_json", extra_body=layout
    )
    assert [png.size(picture.b64_json) for picture in edited.data] == [(128, 128)] * 2
    by_boxes = images.edit(image=("room.png", room, "image/png"), prompt=PROMPT, extra_body=layout)
    assert len(by_boxes.data) == 1
    both_names = images.edit(image=[room], prompt=PROMPT, extra_body=layout)
    assert both_names.data[0].b64_json == by_boxes.data[0].b64_json


def check_stream(address: str) -> None:
    images = client(address).images
    room = png.half(128, 128, left=b"\x10\x80\xf0", right=b"\xf0\xe0\x10")
    # Enough steps that the looks are not overtaken by the picture.
    wishes = {"prompt": PROMPT, "stream": True, "partial_images": 2}
    drawn = images.generate(**wishes, extra_body={"objects": OBJECTS, "steps": 20})
    edited = images.edit(image=room, **wishes, extra_body={"objects": json.dumps(OBJECTS), "steps": 20})
    for kind, stream in [("image_generation", drawn), ("image_edit", edited)]:
        *looks, picture = stream
        assert picture.type == f"{kind}.completed", picture
        assert png.size(picture.b64_json) == (128, 128) and picture.size == "128x128"
        assert 1 <= len(looks) <= 2, [look.type for look in looks]
        for index, look in enumerate(looks):
            assert (look.type, look.partial_image_index) == (f"{kind}.partial_image", index), look
            assert "x".join(map(str, png.size(look.b64_json))) == look.size


def check_what_is_wrong(address: str) -> None:
    images = client(address).images
    for wrong, words in [
        ({"size": "100x100"}, "a multiple of 8"),
        ({"size": "1000000000x8"}, "`width`"),
        ({"extra_body": {"objects": [{"phrase": "a cat", "box": [0, 0, 500, 500]}]}}, "`objects[0].box"),
        ({"extra_body": {"sede": 5}}, "did you mean `seed`?"),
        ({"background": "transparent"}, "`background`"),
    ]:
        try:
            images.generate(prompt=PROMPT, **wrong)
        except openai.BadRequestError as error:
            assert words in error.body["message"], error.body
            assert error.type == "invalid_request_error", error.type
        else:
            raise AssertionError(f"{wrong} was not refused")
