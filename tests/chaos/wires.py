"""A network of its own for each test: nodes in network namespaces, joined by a bridge that loses packets.

Every node serves loopback only, so the namespaces' ends of the wires have addresses in 127/8, which Linux
routes once told to. All of it belongs to the process that made it, and ends with that.
"""
import os

from namespaces import command

OWN_ADDRESS = 10
_TABLE = "table bridge wires"
_CHAIN = "bridge wires forward"


def address(number):
    return f"127.0.0.{OWN_ADDRESS + number}"


def inside(number):
    """What goes before a command that is to run at that end."""
    return ("nsenter", f"--net=/run/netns/n{number}")


def lay(count):
    """Wires from here to `count` namespaces, numbered from 1. REQUIRES: this process has its own network and mounts.
    Raises NotAllowed."""
    os.makedirs("/run/netns", exist_ok=True)
    command("mount", "-t", "tmpfs", "none", "/run/netns")
    command("ip", "link", "set", "lo", "up")
    command("ip", "link", "add", "bridge", "type", "bridge")
    _take_address((), "bridge", OWN_ADDRESS)
    for number in range(1, count + 1):
        command("ip", "netns", "add", f"n{number}")
        command("ip", "link", "add", f"wire{number}", "type", "veth", "peer", "name", "end", "netns", f"n{number}")
        command("ip", "link", "set", f"wire{number}", "master", "bridge", "up")
        command(*inside(number), "ip", "link", "set", "lo", "up")
        # Else the kernel hands on many segments as one long packet, which no wire would see.
        command(*inside(number), "ip", "link", "set", "end", "gso_max_segs", "1")
        _take_address(inside(number), "end", OWN_ADDRESS + number)
    _nft(f"{_TABLE} {{\n chain forward {{\n type filter hook forward priority 0\n }}\n}}\n")


def set_rules(rules):
    """These and no others, at once. What this process says to the nodes passes always."""
    _nft(f"flush chain {_CHAIN}\n" + "".join(f"add rule {_CHAIN} {rule}\n" for rule in rules))


def dropped(senders, receivers, what="", share=1.0):
    """The rule that loses `share` of the packets, or of those that are `what`, from these to those."""
    some = "" if share == 1 else f"numgen random mod 1000 < {round(1000 * share)}"
    return f"ip saddr {_set(senders)} ip daddr {_set(receivers)} {what} {some} drop"


def _set(numbers):
    return "{ " + ", ".join(address(number) for number in numbers) + " }"


def _take_address(prefix, device, number):
    command(*prefix, "ip", "link", "set", device, "up")
    command(*prefix, "sysctl", "-qw", f"net.ipv4.conf.{device}.route_localnet=1")
    command(*prefix, "ip", "address", "add", f"127.0.0.{number}/24", "dev", device)
    command(*prefix, "ip", "route", "del", "local", "127.0.0.0/8", "dev", "lo", "table", "local")


def _nft(text):
    command("nft", "-f", "-", input=text)
