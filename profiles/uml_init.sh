#!/bin/sh
# The first process of a guest of user-mode-linux; its one argument is the folder that says what to do.
# The guest's root is the host's, read-only. The folders in FOLDER/writable are the host's and writable.
# Ends the guest when FOLDER/command has ended, whose status it leaves in FOLDER/status.
folder=$1
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
exec 3<"$folder/writable" # the next lines hide what lies in /tmp
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /run
. "$(dirname "$0")/uml_tmp.sh"
while read -r place; do
    mkdir -p "$place"
    mount -t hostfs hostfs "$place" -o "$place"
done <&3
exec 3<&-
# What is written reaches the host within about a second, also where the guest is ended in the middle.
echo 50 >/proc/sys/vm/dirty_writeback_centisecs
echo 50 >/proc/sys/vm/dirty_expire_centisecs
ip link set lo up
sh "$folder/command" </dev/null >"$folder/output.log" 2>&1
echo $? >"$folder/status"
sync
echo o >/proc/sysrq-trigger
sleep 60
