"""Derives drs.json, the facts that the simulator's validation needs, from the DRS model in the installed botocore.

    python derive.py > drs.json

The facts (names, locations, lengths, patterns, enums) are those of botocore's model of DRS, version 2020-02-26, which is
published under the Apache License 2.0. No text of that model is kept.
"""

import json

import botocore
import botocore.loaders

CONSTRAINTS = ("pattern", "min", "max", "enum")


def main():
    model = botocore.loaders.Loader().load_service_model("drs", "service-2")
    shapes = {}
    operations = {}
    for name, operation in sorted(model["operations"].items()):
        http = operation["http"]
        operations[name] = {"method": http["method"], "path": http["requestUri"], "status": http.get("responseCode", 200)}
        if "input" in operation:
            operations[name]["input"] = operation["input"]["shape"]
            keep(model["shapes"], operation["input"]["shape"], shapes)
    origin = f"Derived by derive.py from the DRS model 2020-02-26 in botocore {botocore.__version__} (Apache-2.0)."
    print(json.dumps({"origin": origin, "operations": operations, "shapes": dict(sorted(shapes.items()))}, indent=1))


def keep(source, name, shapes):
    """Keeps one shape and all that it refers to."""
    if name in shapes:
        return
    shape = source[name]
    kept = {"type": shape["type"]}
    kept.update({key: shape[key] for key in CONSTRAINTS if key in shape})
    shapes[name] = kept
    if shape.get("required"):
        kept["required"] = shape["required"]
    if shape["type"] == "structure":
        kept["members"] = {member: entry(reference) for member, reference in shape["members"].items()}
        references = list(shape["members"].values())
    else:
        references = [shape[part] for part in ("member", "key", "value") if part in shape]
        kept.update({part: shape[part]["shape"] for part in ("member", "key", "value") if part in shape})
    for reference in references:
        keep(source, reference["shape"], shapes)


def entry(reference):
    """A member: its shape and, when it is not in the body, where it is."""
    kept = {"shape": reference["shape"]}
    if "location" in reference:
        kept["location"] = reference["location"]
        kept["name"] = reference["locationName"]
    return kept


if __name__ == "__main__":
    main()
