"""Whether a container is healthy: ``python healthy.py PORT PATH`` ends with 0 where that path answers with 200.

In Python, since the images have neither curl nor wget.
"""

import http.client
import sys


def main(port: int, path: str) -> int:
    """The exit code."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        said = answer.read(2000).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        print(f"no answer: {error}")
        return 1
    print(said)
    return 0 if answer.status == http.client.OK else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2]))
