# Sourced by a guest's scripts: makes /run/overlay/root, where the host's files can be written, and nothing of that
# reaches the host. There, an ordinary user may read the interpreter and the project wherever they lie.
# Wants: folder (the guest's), interpreter, project, uid.
module=/usr/lib/uml/modules/$(uname -r)/kernel/fs/overlayfs/overlay.ko
finit_module=313
"$interpreter" -S -c "import ctypes, os, sys
kernel = ctypes.CDLL(None, use_errno=True)
status = kernel.syscall($finit_module, os.open('$module', os.O_RDONLY), b'', 0)
sys.exit(0 if status == 0 or ctypes.get_errno() == 17 else os.strerror(ctypes.get_errno()))" || exit 1
root=/run/overlay/root
mkdir -p /run/overlay/upper /run/overlay/work "$root"
mount -t overlay overlay -o lowerdir=/,upperdir=/run/overlay/upper,workdir=/run/overlay/work "$root" || exit 1
for place in proc sys dev tmp; do
    mount --rbind "/$place" "$root/$place"
done
mount -t tmpfs tmpfs "$root/run"
if ! [ -e "$root$folder/status" ] && ! mountpoint -q "$root$folder"; then
    mkdir -p "$root$folder"
    mount --bind "$folder" "$root$folder"
fi
chmod 1777 "$root/tmp" "$root/dev/shm"
echo "tester:x:$uid:$uid::/tmp:/bin/sh" >>"$root/etc/passwd"
echo "tester:x:$uid:" >>"$root/etc/group"
for place in "$(readlink -f "$interpreter")" "$interpreter" "$project/profiles"; do
    while [ "$place" != / ]; do
        place=$(dirname "$place")
        chmod a+rx "$root$place"
    done
done
