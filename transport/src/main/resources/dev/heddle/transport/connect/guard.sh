# Runs one program in a process group of its own and ends that whole group
#   - on TERM: first gently, on the next TERM at once;
#   - when the control pipe closes, which is when the gateway has died;
#   - when the program has ended, for whatever it left behind.
# Arguments: the control pipe, then the command that makes a group and runs the program.
control=$1
shift
trap '' INT HUP
exec 3<"$control" 4<&0
"$@" <&4 3<&- 4<&- &
group=$!
exec </dev/null >/dev/null 4<&-
asked=0
trap 'asked=$((asked + 1)); if [ "$asked" = 1 ]; then kill -TERM "-$group" 2>/dev/null; else kill -KILL "-$group" 2>/dev/null; fi' TERM
(
    trap - TERM
    read -r _ <&3
    kill -TERM "-$group" 2>/dev/null
    sleep 2
    kill -KILL "-$group" 2>/dev/null
    rm -f "$control" && rmdir "${control%/*}"
) 2>/dev/null &
watcher=$!
exec 3<&-
wait "$group"
code=$?
while kill -0 "$group" 2>/dev/null; do # a signal came first
    wait "$group"
    code=$?
done
kill -KILL "-$group" 2>/dev/null
kill -TERM "$watcher" 2>/dev/null
exit "$code"
