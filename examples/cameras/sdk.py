"""What the camera's SDK says; see sdk.ts, which reads the same folder. Replace this file by the SDK of yours."""

import json
import os


def _read(file):
    with open(os.path.join(os.environ.get("CAMERA", "camera"), file)) as opened:
        return opened.read()


def _registered():
    return json.loads(_read("device.json"))


def get_device_id():
    return _registered()["id"]


def get_partner_id():
    return _registered()["attributes"]["partner"]


def get_space_id():
    return _registered()["attributes"]["space"]


def get_thing_name():
    return _registered()["attributes"]["thingName"]


def get_access_token():
    return _read("token").strip()
