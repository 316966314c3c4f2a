#!/bin/sh
# Another first process for a guest, whose one argument is the folder that says what to do: a real systemd, with
# nothing in it but a manager for an ordinary user and FOLDER/command, which that manager starts (FOLDER/as says
# `user`) or systemd itself does (`root`).
folder=$1
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
. "$folder/setup"
cp "$folder/command" "$folder/as" /run
mkdir /run/folder
mount -t hostfs hostfs /run/folder -o "$folder"
mkdir -p /dev/shm
mount -t tmpfs tmpfs /dev/shm
. "$project/profiles/uml_tmp.sh"
mkdir -p "$folder"
mount --bind /run/folder "$folder"
. "$(dirname "$0")/overlay.sh"
echo 50 >/proc/sys/vm/dirty_writeback_centisecs
echo 50 >/proc/sys/vm/dirty_expire_centisecs
ip link set lo up

units=/run/units
users=/run/user/$uid
as=$(cat "$folder/as")
mkdir -p "$root$units" "$root$users/units"
cp "$folder/command" "$root$units/command"

unit() { # unit FILE: its lines come from standard input; it depends on nothing of the host's
    { printf '[Unit]\nDefaultDependencies=no\n'; cat; } >"$root$1"
}

unit "$units/default.target" <<E1
Wants=begin.service
E1
unit "$units/begin.service" <<E2
[Service]
Type=oneshot
ExecStart=/bin/sh $units/begin
E2
cat >"$root$units/begin" <<E3
export PATH=$PATH
case $as in
user)
    systemctl start user@$uid.service
    setpriv --reuid $uid --regid $uid --clear-groups env XDG_RUNTIME_DIR=$users systemctl --user start command.service
    systemctl --quiet is-active user@$uid.service || systemctl --no-pager status user@$uid.service;;
root) systemctl start command.service;;
esac
cp -r /tmp/command.status "$folder/status"
cp /tmp/output.log "$folder/output.log"
test -e /tmp/out-of-guest && cp -r /tmp/out-of-guest "$folder/out"
sync
echo o >/proc/sysrq-trigger
sleep 60
E3
command="[Service]
Type=oneshot
ExecStart=/bin/sh -c 'sh $units/command >/tmp/output.log 2>&1; echo \$\$? >/tmp/command.status'
TimeoutStartSec=infinity
"
echo "$command" | unit "$units/command.service"
echo "$command" | unit "$users/units/command.service"
unit "$users/units/default.target" </dev/null
unit "$units/user@$uid.service" <<E4
[Service]
Type=notify
User=tester
Slice=user-$uid.slice
ExecStart=/lib/systemd/systemd --user --unit=default.target
Environment=XDG_RUNTIME_DIR=$users HOME=/tmp SYSTEMD_UNIT_PATH=$users/units
Delegate=pids memory cpu
KillMode=mixed
E4
chown -R "$uid:$uid" "$root$users"
chmod 700 "$root$users"
export SYSTEMD_UNIT_PATH=$units
exec chroot "$root" /lib/systemd/systemd --unit=default.target --log-target=console --show-status=no
