# What U-Boot does: boots the slot that is active, or once the one that is to be tried. The trial is taken back before it begins, so
# that whatever happens to it, the next start is that of the active slot.
setenv active a
setenv try none
setenv slot none
setenv trial 0
if load ${devtype} ${devnum}:1 ${ramdisk_addr_r} slot.env; then
  env import -t ${ramdisk_addr_r} ${filesize} active try
fi
if test "${try}" = a -o "${try}" = b; then
  setenv slot ${try}
  setenv try none
  if env export -t ${ramdisk_addr_r} active try && fatwrite ${devtype} ${devnum}:1 ${ramdisk_addr_r} slot.env ${filesize}; then
    setenv trial 1
  else
    setenv slot none
  fi
fi
if test "${slot}" = none; then
  setenv slot ${active}
fi
if test "${slot}" = b; then
  setenv part 3
else
  setenv part 2
fi
echo "fieldgate: slot ${slot}, trial ${trial}"
setenv bootargs "root=PARTUUID=@DISK@-0${part} rootfstype=squashfs ro rootwait panic=10 console=@CONSOLE@ fieldgate.slot=${slot} fieldgate.trial=${trial}"
if load ${devtype} ${devnum}:1 ${kernel_addr_r} ${slot}/vmlinuz && load ${devtype} ${devnum}:1 ${ramdisk_addr_r} ${slot}/initrd.img; then
  booti ${kernel_addr_r} ${ramdisk_addr_r}:${filesize} ${fdt_addr}
fi
echo "fieldgate: slot ${slot} can't be started"
if test "${trial}" = 1; then
  reset
fi
