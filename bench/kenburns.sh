#!/bin/sh
# Ken Burns against ffmpeg's zoompan, in one run: how much the picture shakes, and how long each
# takes.
#
#   bench/kenburns.sh [BUILD]      BUILD is a release build's folder (default: build)
#
# Bars (exit status 1 when one is missed, 3 when only a time is):
#   jitter      below that of "scale=8000:-1,zoompan", for a pan and for a zoom
#   end to end  at least 3 times as fast as that pipeline with libx264 as ffmpeg ships it
#   render      drawing alone at least as fast as plain zoompan without the enlargement
# Every time is the median of RUNS (3) whole processes, image file to result; of drawing alone, of
# three times as many.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=${1:-$root/build}
runs=${RUNS:-3}
# The measuring program is no part of the usual build.
[ ! -f "$build/build.ninja" ] || ninja -C "$build" src/media/kenburns-measure >/dev/null
find_program() {
    for at in "$build/$1" "$build/src/media/$1"; do
        [ -x "$at" ] && { echo "$at"; return; }
    done
    echo "kenburns.sh: $build has no $1; build it first (ninja -C BUILD $1)" >&2
    exit 2
}
media=$(find_program reel-media)
measure=$(find_program kenburns-measure)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$measure" pattern 1920 1080 "$work/pattern.png"

frames=150
last=$((frames - 1))
middle="y='(ih-ih/zoom)/2':d=$frames:s=1280x720:fps=30"
pan="zoompan=z=1.25:x='(iw-iw/zoom)*on/$last':$middle"
zoom="zoompan=z='pow(1.25,on/$last)':x='(iw-iw/zoom)/2':$middle"
enlarge="scale=8000:-1"

zoompan() { # FILTERS, then the output's options
    filters=$1
    shift
    ffmpeg -nostdin -v error -y -i "$work/pattern.png" -vf "$filters,format=yuv420p" \
        -frames:v $frames "$@"
}
ours() { # MOTION
    echo "{\"id\":\"1\",\"op\":\"render\",\"renderer\":\"kenburns\",\"dir\":\"out\",\"seed\":1,\
\"input\":{\"imageUrl\":\"pattern.png\",\"motion\":\"$1\",\"easing\":\"linear\"}}" |
        "$media" --folder "$work" | grep -q '"event":"done"'
}
# Adds to the list NAME what a command takes, in milliseconds.
clock() { # NAME, then the command
    name=$1
    shift
    from=$(date +%s%N)
    "$@"
    echo $((($(date +%s%N) - from) / 1000)) >>"$work/$name.times"
}
median() { # NAME
    sort -n "$work/$1.times" |
        awk '{ took[NR] = $1 } END { printf "%.1f", took[int((NR + 1) / 2)] / 1000 }'
}
# Shaking of the luma frames that a command writes; (x, y) is the patch that is followed.
shake() {
    at_x=$1 at_y=$2
    shift 2
    "$@" | "$measure" jitter 1280 720 "$at_x" "$at_y" | cut -d' ' -f1,2
}

failed=0 slow=0
row() { printf '%-44s %14s %14s %10s  %s\n' "$1" "$2" "$3" "$4" "$5"; }
verdict() { # NAME OURS THEIRS UNIT CONDITION RATIO
    if awk "BEGIN { exit !($5) }"; then word=PASS; else word=FAIL failed=1; fi
    row "$1" "$2" "$3" "$6" "$word"
}
speed() { # NAME OURS THEIRS TIMES
    word=PASS
    awk "BEGIN { exit !($3 >= $4 * $2) }" || word=FAIL slow=3
    row "$1" "$2" "$3" "$(ratio "$3" "$2")" $word
}
ratio() { awk "BEGIN { printf \"%.2fx\", $1 / $2 }"; }

echo "Ken Burns, 1920x1080 PNG to 1280x720, $frames frames; $(nproc) processors; medians of $runs"
echo "The estimator alone is wrong by $("$measure" check) pixels (RMS)."
row "" "reel" "ffmpeg" "" ""
for motion in pan zoom; do
    if [ $motion = pan ]; then
        kind=pan-right filters=$pan x=640 y=360
    else
        kind=zoom-in filters=$zoom x=1080 y=600
    fi
    mine=$(shake $x $y "$measure" frames "$work/pattern.png" $kind)
    pre=$(shake $x $y zoompan "$enlarge,$filters" -f rawvideo -pix_fmt gray -)
    plain=$(shake $x $y zoompan "$filters" -f rawvideo -pix_fmt gray -)
    verdict "jitter, $motion: RMS px (zoompan at 8000)" "${mine% *}" "${pre% *}" px \
        "${mine% *} < ${pre% *}" "$(ratio "${pre% *}" "${mine% *}")"
    row "   largest px" "${mine#* }" "${pre#* }" "" ""
    row "   plain zoompan: RMS px" "" "${plain% *}" "" ""
done

# In turns, so that whatever else the machine does meets all of them alike.
i=0
while [ $i -lt "$runs" ]; do
    clock e2e ours zoom-in
    clock theirs zoompan "$enlarge,$zoom" -c:v libx264 "$work/theirs.mp4"
    clock same zoompan "$enlarge,$zoom" -c:v libx264 -preset veryfast -crf 20 \
        -x264-params subme=1:me=dia:aq-mode=3 "$work/same.mp4"
    i=$((i + 1))
done
# These take less than a second, so that a moment's disturbance is much: more of them.
i=0
while [ $i -lt $((3 * runs)) ]; do
    clock render "$measure" render "$work/pattern.png" zoom-in
    clock plain zoompan "$zoom" -f null -
    i=$((i + 1))
done
e2e=$(median e2e) theirs=$(median theirs) same=$(median same)
render=$(median render) plain=$(median plain)
speed "end to end: ms (8000, libx264 default), bar 3x" "$e2e" "$theirs" 3
row "   the same with our preset and quality" "$e2e" "$same" "$(ratio "$same" "$e2e")" ""
row "   bytes of the file" "$(wc -c <"$work/out/output.mp4")" "$(wc -c <"$work/theirs.mp4")" "" ""
speed "render alone: ms (plain zoompan), bar 1x" "$render" "$plain" 1
[ $failed -eq 0 ] || exit 1
exit $slow
