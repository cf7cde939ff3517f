"""deploy/: what cannot be run here is at least well-formed, and says nothing to Audittrail that it does not understand.

Goal:   no setting, value, command or option in the examples is one that does not exist.
Method: the files are read as YAML; every AUDIT_TRAIL_* of a container goes through `audittrail config check`; commands
        are held against the command's help.
Control: a wrong name and a wrong value are found.
"""
import os
import unittest

import yaml  # Debian: python3-yaml

from support import CommandCase

DEPLOY = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "deploy")
FILES = ("compose/compose.yaml", "helm/values-gateway.yaml")


def load(name):
    with open(os.path.join(DEPLOY, name), encoding="utf-8") as file:
        return yaml.safe_load(file)


def environments(node):
    """Every set of AUDIT_TRAIL_* in it: mappings of Compose, lists of {name, value} of Kubernetes."""
    if isinstance(node, dict):
        if any(str(key).startswith("AUDIT_TRAIL_") for key in node):
            yield {key: value for key, value in node.items() if key.startswith("AUDIT_TRAIL_")}
        for value in node.values():
            yield from environments(value)
    elif isinstance(node, list):
        named = {item["name"]: item.get("value") for item in node if isinstance(item, dict) and "name" in item}
        settings = {name: value for name, value in named.items() if name.startswith("AUDIT_TRAIL_")}
        if settings:
            yield settings
        for item in node:
            yield from environments(item)


def commands(node):
    """Every `command: [audittrail, ...]` in it."""
    if isinstance(node, dict):
        if isinstance(node.get("command"), list) and node["command"][0] == "audittrail":
            yield node["command"][1:]
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from commands(item)


class Deploy(CommandCase):
    def complaints(self, settings):
        for name, value in settings.items():
            self.assertIsInstance(value, str, f"{name}: an environment holds text")
        base = {name: value for name, value in self.env.items() if not name.startswith("AUDIT_TRAIL_")}
        self.env = {**base, **settings}
        return self.run_command("config", "check").err

    def test_every_setting_and_its_value_are_taken(self):
        for name in FILES:
            found = list(environments(load(name)))
            self.assertEqual(len(found), 2, name)
            for settings in found:
                self.assertEqual(self.complaints(settings), "", name)

    def test_control_a_wrong_name_and_a_wrong_value_are_found(self):
        self.assertIn("AUDIT_TRAIL_LEVL", self.complaints({"AUDIT_TRAIL_LEVL": "all"}))
        self.assertIn("AUDIT_TRAIL_LEVEL", self.complaints({"AUDIT_TRAIL_LEVEL": "writes"}))

    def test_every_command_exists(self):
        for name in FILES:
            found = list(commands(load(name)))
            self.assertEqual(found, [["migrate"]], name)
            self.assertEqual(self.run_command(found[0][0], "--help").code, 0)

    def test_what_compose_names_is_defined(self):
        compose = load("compose/compose.yaml")
        for service in compose["services"].values():
            for secret in service.get("secrets", []):
                self.assertIn(secret["source"] if isinstance(secret, dict) else secret, compose["secrets"])
            for volume in service.get("volumes", []):
                self.assertIn(volume.split(":")[0], compose["volumes"])
            for other in service.get("depends_on", {}):
                self.assertIn(other, compose["services"])
            for config in service.get("configs", []):
                self.assertIn(config["source"], compose["configs"])
        for config in compose["configs"].values():
            if "file" in config:
                self.assertTrue(os.path.exists(os.path.join(DEPLOY, "compose", config["file"])))

    def test_what_the_values_mount_is_there(self):
        values = load("helm/values-gateway.yaml")
        volumes = {volume["name"] for volume in values["extraVolumes"]}
        self.assertEqual({mount["name"] for mount in values["extraVolumeMounts"]}, volumes)

    def test_each_says_that_it_is_untested(self):
        for name in FILES:
            with open(os.path.join(DEPLOY, name), encoding="utf-8") as file:
                self.assertIn("Untested where this was written", file.read())


if __name__ == "__main__":
    unittest.main()
