# zsh: its own file locks (zsh/system), and a history file that it locks.
zsh -f -c '
zmodload zsh/system
: >lock
zsystem flock -f fd lock && echo locked
zsystem flock -t 0 lock || echo "second: $?"
zsystem flock -u $fd && echo unlocked
setopt hist_fcntl_lock
HISTFILE=$PWD/history HISTSIZE=10 SAVEHIST=10
fc -p $HISTFILE 10 10
print -s first; print -s second
fc -W; fc -R; fc -l 1
print -l *(N)
(exit 7) ; print $?
'
