# Sourced by a guest's first process: a /tmp of its own, where only what FOLDER/named names is the host's, read-only.
# Wants: folder (the guest's).
exec 4<"$folder/named" # the next line hides what lies in /tmp
mount -t tmpfs -o size=2g tmpfs /tmp # more than memory: oomproof wants room for a run before it begins
mkdir /tmp/.host
mount -r -t hostfs hostfs /tmp/.host -o /tmp
while read -r name; do
    if [ -d "/tmp/.host/$name" ]; then
        mkdir "/tmp/$name"
    elif [ -e "/tmp/.host/$name" ]; then
        : >"/tmp/$name"
    else
        continue
    fi
    mount --bind "/tmp/.host/$name" "/tmp/$name"
done <&4
exec 4<&-
umount -l /tmp/.host
rmdir /tmp/.host
