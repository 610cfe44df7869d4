"""A replica that is nginx with one worker: the fastest there is, so that it is not the replica that is measured."""
import os
import sys

nginx, port = sys.argv[1], int(sys.argv[2] if len(sys.argv) > 2 else os.environ["PORT"])
folder = sys.argv[3] if len(sys.argv) > 3 else os.getcwd()
base = os.path.join(folder, f"nginx-{port}")
os.makedirs(base, exist_ok=True)
with open(os.path.join(base, "64k"), "wb") as file:
    file.write(b"x" * 65536)
with open(os.path.join(base, "nginx.conf"), "w", encoding="utf-8") as file:
    # What the master may read, a worker of another user may not.
    user = "user root;" if os.geteuid() == 0 else ""
    file.write(f"""
{user} daemon off; worker_processes 1; pid {base}/pid; error_log {base}/error.log;
events {{ worker_connections 16384; }}
http {{
  access_log off; keepalive_requests 1000000000; sendfile on; open_file_cache max=10; default_type text/plain;
  client_body_temp_path {base}/a; proxy_temp_path {base}/b; fastcgi_temp_path {base}/c;
  uwsgi_temp_path {base}/d; scgi_temp_path {base}/e;
  server {{
    listen 127.0.0.1:{port} reuseport backlog=16384;
    location / {{ return 200 "ok"; }}
    location = /64k {{ root {base}; }}
  }}
}}
""")
os.execv(nginx, [nginx, "-p", base, "-c", os.path.join(base, "nginx.conf")])
