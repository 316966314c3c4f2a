#!/bin/sh
# sh delegated.sh FOLDER COMMAND…: run a command as an ordinary user in a control group that was given to that user.
folder=$1
shift
. "$folder/setup"
. "$(dirname "$0")/overlay.sh"
group=/sys/fs/cgroup/given
echo '+memory +cpu' >/sys/fs/cgroup/cgroup.subtree_control
mkdir "$group"
chown "$uid:$uid" "$group" "$group/cgroup.procs" "$group/cgroup.subtree_control" "$group/cgroup.threads"
echo $$ >"$group/cgroup.procs"
exec chroot "$root" setpriv --reuid "$uid" --regid "$uid" --clear-groups sh -c 'cd "$0" && exec "$@"' "$project" "$@"
