# ssh-keygen and ssh-agent: keys, signatures, known hosts, an agent.
flock lock ssh-keygen -q -t ed25519 -N '' -C me -f key
ssh-keygen -l -f key | awk '{ print $1, $3, $4 }'
echo text >file
ssh-keygen -q -Y sign -f key -n file file
echo "me $(cat key.pub)" >allowed
ssh-keygen -Y verify -f allowed -I me -n file -s file.sig <file | sed 's/SHA256.*//'
echo "host.example $(cut -d' ' -f1,2 key.pub)" >known
ssh-keygen -F host.example -f known | head -n 1
ssh-keygen -R host.example -f known 2>&1 | head -n 1
(eval "$(ssh-agent -s)" >/dev/null; ssh-add -q key; ssh-add -l | awk '{ print $1, $3, $4 }'; flock lock ssh-agent -k | sed 's/[0-9]\+/N/')
