# git: a repository from its first commit to its packing, with a hook that locks.
git config --global user.name Somebody
git config --global user.email somebody@example.org
git config --global init.defaultBranch main
export GIT_AUTHOR_DATE='2020-01-01T00:00:00Z' GIT_COMMITTER_DATE='2020-01-01T00:00:00Z'
git init -q one
cd one || exit
printf '#!/bin/sh\nflock "$GIT_DIR/hook.lock" true\n' >.git/hooks/pre-commit
chmod +x .git/hooks/pre-commit
for i in 1 2 3; do
    echo "$i" >>file
    git add file
    git commit -q -m "change $i"
done
git log --format='%H %s'
git branch side HEAD~1
git checkout -q side
echo other >second
git add second
git commit -q -m second
git merge -q --no-edit main
git log --oneline --graph
git gc -q
git fsck 2>&1
cd ..
git clone -q one two
git -C two worktree add -q ../three HEAD~1 2>&1
git -C three status -sb
git -C two diff HEAD~1 --stat
