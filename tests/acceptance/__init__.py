"""Acceptance tests: real Terraform, the built provider, the simulator.

Every test runs with two hosts: the `terraform` on PATH (1.11 or newer) and Terraform 1.15 from a Python wheel.
"""
