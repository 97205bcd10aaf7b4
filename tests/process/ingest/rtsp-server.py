#!/usr/bin/python3
"""An RTSP server for tests: one H.264 test picture at /stream; prints its port."""
import argparse

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

parser = argparse.ArgumentParser()
parser.add_argument("--port", default="0")
parser.add_argument("--gop", default="10", help="pictures from one key picture to the next")
parser.add_argument("--interlaced", action="store_true", help="two fields woven into each picture")
parser.add_argument("--user", help="name:password, asked of every client")
arguments = parser.parse_args()

Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(arguments.port)
factory = GstRtspServer.RTSPMediaFactory()
weave = "! interlace field-pattern=1:1 top-field-first=true " if arguments.interlaced else ""
rate = "50/1" if arguments.interlaced else "25/1"
factory.set_launch(
    f"( videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=160,height=120,framerate={rate} {weave}"
    f"! x264enc tune=zerolatency speed-preset=ultrafast interlaced={'true' if arguments.interlaced else 'false'} "
    f"key-int-max={arguments.gop} ! rtph264pay name=pay0 pt=96 config-interval=-1 )"
)
factory.set_shared(True)
if arguments.user:
    name, password = arguments.user.split(":", 1)
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "user")
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(name, password), token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role("user", "media.factory.access", True)
    permissions.add_permission_for_role("user", "media.factory.construct", True)
    factory.set_permissions(permissions)
server.get_mount_points().add_factory("/stream", factory)
server.attach(None)
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
