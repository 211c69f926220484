#!/bin/sh
# local/compose against ffmpeg's own command line doing the same with the same settings of the same
# libraries: two clips cut to 9:16 with a cross-fade, subtitles burnt in, a voice at -16 LUFS over
# ducked music; and the pictures of it alone, so that neither side's way with sound hides how fast
# it draws. Then how near the two films are to what was encoded, how memory grows to an hour of
# film, and whether lengths are exact.
#
#   bench/compose.sh [BUILD]      BUILD is a release build's folder (default: build)
#
# Bars (exit status 1 when one is missed, 3 when only speed is):
#   speed    at least that of ffmpeg; what reel does besides counts against it: it reads
#            the finished film back, looks for black, frozen and silent places, makes a thumbnail
#   quality  the same pictures at the same moments: SSIM to ffmpeg's filtered frames before any
#            encoding no worse than that of ffmpeg's own film, by more than 0.005
#   memory   a film of an hour takes at most 48 MB more than one of a minute: the tables of the
#            frames and packets, which an MP4 keeps until its end, and nothing else
#   length   within one frame of what was asked for
# Every time is that of whole processes, files to file: the least of RUNS (3, or up to three times
# as many) in turns, which is the one that others on the machine disturbed least. On a busy machine
# the clock tells who had more threads to ask for its processors with; processor time tells who did
# more with them.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "${1:-$root/build}" && pwd)
runs=${RUNS:-3}
for at in "$build/reel-media" "$build/src/media/reel-media"; do
    [ -x "$at" ] && media=$at
done
[ -n "${media:-}" ] || { echo "compose.sh: $build has no reel-media; build it first" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

quiet() { ffmpeg -nostdin -v error -y "$@"; }
x264="-c:v libx264 -preset veryfast -pix_fmt yuv420p"
quiet -f lavfi -i "testsrc2=s=1920x1080:r=30:d=4" $x264 one.mp4
quiet -f lavfi -i "mandelbrot=s=1920x1080:r=30:end_scale=0.05,trim=duration=4" $x264 two.mp4
# A voice is sound with pauses, and has no certain pitch.
quiet -f lavfi -i "anoisesrc=d=7:c=pink:r=24000:seed=1,volume='0.3*gt(sin(4*t),-0.3)':eval=frame" \
    voice.wav
quiet -f lavfi -i "sine=f=220:d=3:r=44100" -b:a 128k music.mp3
awk 'BEGIN {
    printf "{\"language\":\"en\",\"words\":["
    for (i = 0; i < 17; i++)
        printf "%s{\"word\":\"subtitle%d\",\"startMs\":%d,\"endMs\":%d}", i ? "," : "", i, \
            i * 400, i * 400 + 380
    printf "]}\n"
}' >words.json

request() { # INPUT
    echo "{\"id\":\"1\",\"op\":\"render\",\"renderer\":\"compose\",\"dir\":\"out\",\"seed\":1,\
\"input\":$1}"
}
ours() { # [SOUND]: what follows in the request
    rest=${1-,\"audioUrl\":\"voice.wav\",\"musicUrl\":\"music.mp3\"}
    request "{\"videoUrls\":[\"one.mp4\",\"two.mp4\"],\"wordsUrl\":\"words.json\"$rest,\
\"aspectRatio\":\"9:16\",\"resolution\":\"1080p\",\"transition\":\"fade\"}" |
        "$media" --folder "$work" >answers
    grep -q '"event":"done"' answers || { cat answers >&2; exit 2; }
}
ours_pictures() { ours ',"duration":7'; }
shape="crop=ih*9/16:ih,scale=1080:1920:flags=bicubic,setsar=1,fps=30,format=yuv420p"
sound="aresample=48000,aformat=channel_layouts=stereo"
pictures="[0:v]$shape[a];[1:v]$shape[b];
    [a][b]xfade=transition=fade:duration=0.5:offset=3.5,format=yuv420p,
    ass=out/output.ass,format=yuv420p[v]"
# xfade leaves a frame's time empty at the cross-fade, which ffmpeg would fill with its neighbour.
encode="-t 7 -fps_mode passthrough -c:v libx264 -preset veryfast -crf 20 -g 60 -movflags +faststart"
theirs_pictures() {
    quiet -i one.mp4 -i two.mp4 -filter_complex "$pictures" -map "[v]" $encode theirs.mp4
}
theirs() {
    quiet -i one.mp4 -i two.mp4 -i voice.wav -stream_loop -1 -i music.mp3 -filter_complex "
        $pictures;
        [2:a]$sound,asplit[s][t];[3:a]$sound,volume=0.35[m];
        [m][s]sidechaincompress=threshold=0.02:ratio=8:attack=50:release=400[d];
        [d][t]amix=inputs=2:duration=shortest:normalize=0,loudnorm=I=-16:TP=-1.5,
        aresample=48000[x]" -map "[v]" -map "[x]" $encode -c:a aac -b:a 160k theirs.mp4
}
# What this shell's children have used so far, in milliseconds.
spent() {
    times >times.now # in a command substitution it would tell of another shell's children
    sed -n 2p times.now | tr 'ms' '  ' |
        awk '{ printf "%d\n", ($1 * 60 + $2 + $3 * 60 + $4) * 1000 }'
}
# Adds to the lists NAME and NAME.cpu what a command takes, in milliseconds.
clock() { # NAME, then the command
    name=$1 from=$(date +%s%N)
    spent >spent.before
    shift
    "$@"
    echo $((($(date +%s%N) - from) / 1000000)) >>"$name.times"
    spent >spent.after
    echo $(($(cat spent.after) - $(cat spent.before))) >>"$name.cpu.times"
}
least() { sort -n "$1.times" | sed -n 1p; }

failed=0 slow=0
row() { printf '%-40s %12s %12s %9s  %s\n' "$1" "$2" "$3" "$4" "$5"; }
verdict() { # NAME OURS THEIRS RATIO CONDITION
    if awk "BEGIN { exit !($5) }"; then word=PASS; else word=FAIL failed=1; fi
    row "$1" "$2" "$3" "$4" "$word"
}
seconds() { # FILE
    ffprobe -v error -select_streams v -show_entries stream=duration -of csv=p=0 "$1"
}

echo "Compose, two clips of 1920x1080 to 1080x1920, 7 s; $(nproc) processors; best of $runs"
row "" "reel" "ffmpeg" "" ""
# In turns, so that whatever else the machine does meets both alike.
# Where the clock says that we are behind, both have more turns: the least of more is nearer the
# truth.
behind() { [ "$(least ours)" -gt "$(least theirs)" ] && [ $i -lt $((3 * runs)) ]; }
i=0
while [ $i -lt "$runs" ] || behind; do
    clock ours ours
    clock theirs theirs
    clock ours_pictures ours_pictures
    clock theirs_pictures theirs_pictures
    i=$((i + 1))
done
speed() { # TITLE OURS THEIRS
    mine=$(least "$2") other=$(least "$3") word=PASS
    awk "BEGIN { exit !($other >= $mine) }" || word=FAIL slow=3
    row "$1" "$mine" "$other" "$(awk "BEGIN { printf \"%.2fx\", $other / $mine }")" $word
}
shown() { # TITLE OURS THEIRS
    mine=$(least "$2") other=$(least "$3")
    row "$1" "$mine" "$other" "$(awk "BEGIN { printf \"%.2fx\", $other / $mine }")" ""
}
speed "whole job: ms, bar 1x" ours theirs
shown "   processor time" ours.cpu theirs.cpu
# The clock of so short a work says more of the neighbours than of the work: only shown.
shown "pictures alone: ms" ours_pictures theirs_pictures
speed "   processor time" ours_pictures.cpu theirs_pictures.cpu
quiet -i one.mp4 -i two.mp4 -filter_complex "$pictures" -map "[v]" -t 7 -fps_mode passthrough \
    -c:v libx264 -preset ultrafast -qp 0 lossless.mkv
like() { # FILE: frame by frame, whatever their times
    ffmpeg -nostdin -i "$1" -i lossless.mkv -lavfi \
        "[0:v]setpts=N/30/TB[a];[1:v]setpts=N/30/TB[b];[a][b]ssim=shortest=1" -f null - 2>&1 |
        sed -n 's/.*All:\([0-9.]*\).*/\1/p'
}
mine=$(like out/output.mp4) other=$(like theirs.mp4)
verdict "quality: SSIM, bar ffmpeg's - 0.005" "$mine" "$other" "" "${mine:-0} >= $other - 0.005"
row "   bytes of the file" "$(wc -c <out/output.mp4)" "$(wc -c <theirs.mp4)" "" ""
verdict "length: s, bar one frame" "$(seconds out/output.mp4)" "7" "" \
    "($(seconds out/output.mp4) - 7) ^ 2 <= (1.001 / 30) ^ 2"

# The largest memory of a worker that composed a film of MINUTES, in KB; the worker is asked while
# it waits for its next job.
peak() { # MINUTES
    # Mostly silence, since to encode sound takes longest and is not what is measured.
    quiet -f lavfi -i "testsrc2=s=160x128:r=12:d=60" \
        -f lavfi -i "aevalsrc='0.5*sin(2000*t)*lt(mod(t,10),0.5)':d=60" $x264 -c:a aac minute.mp4
    quiet -stream_loop $(($1 - 1)) -i minute.mp4 -c copy long.mp4
    rm -f requests answers
    mkfifo requests
    "$media" --folder "$work" <requests >answers &
    pid=$!
    exec 3>requests
    request '{"videoUrl":"long.mp4","width":160,"height":128,"fps":12}' >&3
    while ! grep -qE '"event":"(done|failed)"' answers; do sleep 0.1; done
    grep VmHWM "/proc/$pid/status" | tr -dc 0-9
    exec 3>&-
    wait "$pid"
}
short=$(peak 1) long=$(peak 60)
grep -q '"event":"done"' answers || { tail -n 1 answers >&2; exit 2; }
verdict "memory: MB for a minute, an hour, bar +48" "$((short / 1024))" "$((long / 1024))" \
    "+$(((long - short) / 1024))" "$long - $short <= 48 * 1024"
verdict "length of the long one: s" "$(seconds out/output.mp4)" "$(seconds long.mp4)" "" \
    "($(seconds out/output.mp4) - $(seconds long.mp4)) ^ 2 <= (1.001 / 12) ^ 2"
[ $failed -eq 0 ] || exit 1
exit $slow
