"""Addresses that must never be called, as people and answers may give them (%PORT% is where the
canary listens).
"""

# fmt: off
HOSTS = [
    "127.0.0.1", "127.1", "127.0.1", "0", "0.0.0.0", "2130706433", "0x7f000001", "0x7f.1",
    "0177.0.0.1",
    "017700000001", "0300.0250.0.1", "localhost", "LOCALHOST", "localhost.",
    "localhost.localdomain",
    "①②⑦.⓪.⓪.①", "127。0。0。1", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
    "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2002:a9fe:a9fe::]", "[2001:0:7f00:1::]",
    "[fe80::1%25lo]",
    "[fe80::1%lo]", "[fe80::1]", "[fec0::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]",
    "[5f00::1]",
    "[3fff::1]", "[100::1]", "[2001:db8::1]", "[::ffff:10.0.0.1]", "[::169.254.169.254]",
    "10.0.0.1",
    "172.16.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1", "198.18.0.1", "192.0.0.8",
    "192.88.99.1",
    "192.0.2.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "0.1.2.3",
    "169.254.169.254",
    "2852039166", "169.254.170.2", "168.63.129.16", "100.100.100.200", "192.0.0.192",
    "metadata.google.internal", "instance-data", "printer.local", "router.home.arpa",
    "127.0.0.1%2eevil.example", "evil.example%00.127.0.0.1", "evil..example", "-evil.example",
    "evil.example.",
    "hub.example", "HUB.example", "127.0.0.1:%PORT%:80",
]
# fmt: on

WHOLE = [
    "http://evil.example\\@127.0.0.1:%PORT%/",
    "http://127.0.0.1:%PORT%\\.evil.example/",
    "http://127.0.0.1:%PORT%#@evil.example/",
    "http://evil.example:80@127.0.0.1:%PORT%/",
    "http://user@127.0.0.1:%PORT%/",
    "http://user:secret@evil.example/",
    "http://a@b@127.0.0.1:%PORT%/",
    " http://127.0.0.1:%PORT%/",
    "http://127.0.0.1:%PORT%/ ",
    "http://evil.example\t@127.0.0.1:%PORT%/",
    "http://evil.example\r\nHost: 127.0.0.1/",
    "http://evil.example/\u202e/",
    "http://evil.example/\x00",
    "//127.0.0.1:%PORT%/",
    "http:127.0.0.1:%PORT%/",
    "http:/127.0.0.1:%PORT%/",
    "http:/\\127.0.0.1:%PORT%/",
    "http:///127.0.0.1:%PORT%/",
    "http://",
    "",
    "127.0.0.1",
    "http://evil.example/" + "x" * 10_000,
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "file:///etc/passwd",
    "ftp://127.0.0.1/",
    "dict://127.0.0.1:11211/",
    "unix:///var/run/docker.sock",
    "jar:http://127.0.0.1!/",
    "data:text/plain,x",
    "javascript:alert(1)",
    "ws://127.0.0.1:%PORT%/",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/",
    *(
        f"https://evil.example:{port}/"
        for port in ("22", "25", "5432", "6379", "9200", "65536", "0", "-1", "", "８０")
    ),
    "https://hub.example/hooks/slack/key/",
    "https://hub.example:443/admin/",
]

WRITTEN = [
    *(f"http://{host}/" for host in HOSTS),
    *(f"http://{host}:%PORT%/" for host in HOSTS),
    *(f"https://{host}/" for host in HOSTS),
    *WHOLE,
]

NAMES = {  # look well in a form; what they resolve to is what counts
    "127.0.0.1.nip.io": ["127.0.0.1"],
    "mixed.test": ["93.184.216.34", "10.0.0.1"],
    "mixed-families.test": ["93.184.216.34", "::1"],
    "last-of-many.test": [f"93.184.216.{n}" for n in range(199)] + ["127.0.0.1"],
    "cname-to-internal.test": ["10.1.2.3"],
    "cname-to-us.test": ["93.184.216.99"],
    "nat64.test": ["64:ff9b::a9fe:a9fe"],
    "azure.test": ["168.63.129.16"],
    "nonsense.test": ["not an address"],
    "scoped.test": ["fe80::1%lo"],
    "xn--bcher-kva.test": ["::ffff:127.0.0.1"],
}
