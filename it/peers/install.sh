# Installs the peers from the lock file, unless they are installed already.
set -eu
if cmp -s package-lock.json node_modules/.installed; then
    exit 0
fi
command -v npm >/dev/null || {
    echo "The integration tests need npm on the PATH (expected: npm 10 or newer)." >&2
    exit 1
}
npm ci --no-progress
cp package-lock.json node_modules/.installed
