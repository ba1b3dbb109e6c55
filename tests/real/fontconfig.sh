# fontconfig: a cache of fonts, whose directory it locks.
# quick
mkdir fonts cache
printf '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig><dir>%s</dir><cachedir>%s</cachedir></fontconfig>' \
    "$PWD/fonts" "$PWD/cache" >conf
export FONTCONFIG_FILE=$PWD/conf
fc-cache -f
fc-cache -v 2>&1 | sed "s|$PWD|.|g"
fc-list
ls cache | sed 's/^[0-9a-f]\{32\}/ID/' | sort -u
