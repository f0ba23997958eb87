"""Downloads of data sets, from a server on this machine that can be told to misbehave."""

import http.server
import shutil
import threading

import pytest
from dataset_files import isolate, publish, write_data

from pycnn.datasets import catalogue, fashion_mnist, fetching, mnist, sources
from pycnn.datasets.catalogue import FILES


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    isolate(monkeypatch, tmp_path / "home")
    return tmp_path / "home"


class Host:
    """A web server on this machine that serves a folder, and can be told to misbehave."""

    def __init__(self, folder):
        self.asked: list[str] = []
        self.cut = 0  # bytes to leave out at the end, after promising them
        self.silent = False
        self.released = threading.Event()
        host = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                host.asked.append(self.path.lstrip("/"))
                path = folder / self.path.lstrip("/")
                if host.silent:
                    host.released.wait(30)
                    return
                if not path.is_file():
                    self.send_error(404)
                    return
                content = path.read_bytes()
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content[: len(content) - host.cut])

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def host(tmp_path, monkeypatch):
    folder = write_data(tmp_path / "published")
    host = Host(folder)
    publish(monkeypatch, folder, hosts=(host.address,))
    yield host
    host.close()


def names_in(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


WHOLE = sorted(f"{name}.gz" for name in FILES)


def test_download(host, capsys):
    found = fashion_mnist.find()
    assert found.kind == "download"
    assert found.location == host.address
    (x, y), (x_test, _) = fashion_mnist.load_data()
    assert x.shape == (30, 28, 28)
    assert len(x_test) == 10
    assert y[13] == 3
    cache = sources.cache_folder() / "fashion-mnist"
    assert names_in(cache) == WHOLE
    assert capsys.readouterr().err == f"pycnn: Fashion-MNIST: downloading into {cache}\n"
    assert fashion_mnist.find().kind == "cache"
    fashion_mnist.load_data()
    assert len(host.asked) == 4
    assert capsys.readouterr().err == ""


def test_only_what_is_missing_or_damaged_is_downloaded(host, tmp_path):
    cache = sources.cache_folder() / "fashion-mnist"
    shutil.copytree(tmp_path / "published", cache)
    (cache / "train-labels-idx1-ubyte.gz").unlink()
    (cache / "t10k-images-idx3-ubyte.gz").write_bytes(b"damaged")
    assert len(fashion_mnist.load_data()[0][1]) == 30
    assert host.asked == ["train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz"]


def test_next_host_is_tried(host, monkeypatch, tmp_path):
    other = Host(write_data(tmp_path / "other", train=31))  # its training files have other checksums
    replaced = catalogue.FASHION_MNIST._replace(hosts=(other.address, host.address))
    monkeypatch.setattr(catalogue, "FASHION_MNIST", replaced)
    try:
        assert len(fashion_mnist.load_data()[0][0]) == 30
        assert len(other.asked) == 1
        assert len(host.asked) == 4
    finally:
        other.close()


@pytest.mark.parametrize("fault", ["absent", "changed", "cut", "silent", "closed"])
def test_failed_download_falls_back_to_the_sample(
    host,
    fault,
    tmp_path,
    monkeypatch,
    capsys,
):
    path = tmp_path / "published" / "train-labels-idx1-ubyte.gz"
    reasons = {
        "absent": "Not Found",
        "changed": "SHA-256",
        "cut": "ended after",
        "silent": "timed out",
        "closed": "efused",
    }
    if fault == "absent":
        path.unlink()
    elif fault == "changed":
        path.write_bytes(path.read_bytes() + b"!")
    elif fault == "cut":
        host.cut = 5
    elif fault == "silent":
        host.silent = True
        monkeypatch.setattr(fetching, "TIMEOUT", 0.2)
    else:
        host.close()
    (x, _), (x_test, _) = fashion_mnist.load_data()
    assert len(x) == 3000
    assert len(x_test) == 1000
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "using the sample inside pycnn, 3,000 training and 1,000 test images" in lines[1]
    assert reasons[fault] in lines[1]
    # Files that came whole stay; nothing else does.
    whole = ["train-images-idx3-ubyte.gz"] if fault in ("absent", "changed") else []
    assert names_in(sources.cache_folder() / "fashion-mnist") == whole


def test_cache_that_can_not_be_written(host, home, capsys, monkeypatch):
    home.write_text("a file where a folder should be")
    assert len(fashion_mnist.load_data()[0][0]) == 3000
    assert "using the sample" in capsys.readouterr().err
    assert host.asked == []


def test_mnist_has_no_sample():
    assert mnist.find().kind == "download"
    assert "sample" not in str(mnist.find())
    with pytest.raises(FileNotFoundError, match=r"could not be downloaded .*PYCNN_DATA"):
        mnist.load_data()
