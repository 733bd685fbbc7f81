"""What the camera's SDK says; see sdk.ts, which reads the same folder. Replace this file by the SDK of yours."""

import json
import os


def _read(file):
    with open(os.path.join(os.environ.get("CAMERA", "camera"), file)) as opened:
        return json.load(opened)


def get_device_id():
    return _read("device.json")["id"]


def get_partner_id():
    return _read("device.json")["attributes"]["partner"]


def get_space_id():
    return _read("device.json")["attributes"]["space"]


def get_thing_name():
    return _read("device.json")["attributes"]["thingName"]


def get_access_token():
    return _read("token.json")["token"]
