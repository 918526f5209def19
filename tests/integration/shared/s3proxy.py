"""S3Proxy, a server of the S3 protocol on files: its jars come from Maven once, `java` runs them."""

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

from deploy.local.child import Command
from deploy.local.engine import Engine, Unavailable
from deploy.local.ports import HOST

KEY_ID, SECRET = "local-key-id", "local-secret-text"
BUCKET = "maps"
_VERSION = "3.0.0"
_POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>sluice.tests</groupId><artifactId>s3proxy</artifactId><version>1</version><packaging>pom</packaging>
<dependencies><dependency>
<groupId>org.gaul</groupId><artifactId>s3proxy</artifactId><version>{_VERSION}</version>
</dependency></dependencies>
<build><plugins><plugin>
<groupId>org.apache.maven.plugins</groupId><artifactId>maven-dependency-plugin</artifactId><version>3.8.1</version>
</plugin></plugins></build></project>
"""


class S3Proxy(Engine):
    """`url` is http://127.0.0.1:port. It checks signatures, and has one bucket, `BUCKET`, in `folder`."""

    role = "s3proxy"
    start_timeout_s = 60.0
    stop_timeout_s = 20.0

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def bucket(self) -> Path:
        return self.folder / "data" / BUCKET

    @staticmethod
    def version() -> str:
        if shutil.which("java") is None or (not _jars().exists() and shutil.which("mvn") is None):
            raise Unavailable("no java, or no mvn to fetch S3Proxy with")
        return _VERSION

    def before_try(self) -> None:
        super().before_try()
        self.bucket.mkdir(parents=True, exist_ok=True)
        properties = {
            "s3proxy.endpoint": self.url,
            "s3proxy.authorization": "aws-v4",
            "s3proxy.identity": KEY_ID,
            "s3proxy.credential": SECRET,
            "s3proxy.ignore-unknown-headers": "true",  # the checksum of a deletion: others ask for it
            "jclouds.provider": "filesystem-nio2",
            "jclouds.filesystem.basedir": str(self.folder / "data"),
        }
        lines = (f"{name}={value}\n" for name, value in properties.items())
        (self.folder / "s3proxy.properties").write_text("".join(lines))

    def steps(self) -> Iterator[Command]:
        if not _jars().exists():
            yield from _fetch_jars()

    def command(self) -> Command:
        java = [shutil.which("java") or "java", "-XX:TieredStopAtLevel=1", "-Xmx256m", "-cp", f"{_jars()}/*"]
        return Command([*java, "org.gaul.s3proxy.Main", "--properties", "s3proxy.properties"], cwd=self.folder)

    def answers(self) -> bool:
        try:
            with socket.create_connection((HOST, self.port or 0), timeout=0.5):
                return True
        except OSError:
            return False


def _jars() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "sluice" / f"s3proxy-{_VERSION}"


def _fetch_jars() -> Iterator[Command]:
    """Into a folder of our own, renamed when complete: another process may be at the same thing."""
    partial = _jars().with_name(f"{_jars().name}.{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    (partial / "pom.xml").write_text(_POM)
    options = ["dependency:copy-dependencies", f"-DoutputDirectory={partial}", "-DincludeScope=runtime"]
    maven = [shutil.which("mvn") or "mvn", "--batch-mode", "--no-transfer-progress", "-f", partial / "pom.xml"]
    yield Command([*maven, *options], doing="fetching S3Proxy with Maven, 54 MB, once on this machine", timeout_s=600.0)
    try:
        partial.rename(_jars())
    except OSError:  # another process was quicker
        shutil.rmtree(partial)
