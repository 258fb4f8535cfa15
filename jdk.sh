# Sourced by ./graft and ./test: sets JAVA_HOME to a JDK 25, or says how to get one.

# Ctrl-C ends the script itself, not only the program that it happens to be running, whose end would be taken for
# an answer.
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

is_jdk_25() {
  [ -x "$1/bin/javac" ] && "$1/bin/javac" -version 2>&1 | grep -q '^javac 25'
}

find_jdk_25() {
  local candidate
  for candidate in "${JAVA_HOME:-}" /usr/lib/jvm/* "$HOME"/.sdkman/candidates/java/25* \
    "$HOME"/.jdks/*25* /Library/Java/JavaVirtualMachines/*/Contents/Home; do
    if [ -n "$candidate" ] && is_jdk_25 "$candidate"; then
      export JAVA_HOME="$candidate"
      return
    fi
  done
  echo "Graft needs a JDK 25: install one (for example Eclipse Temurin 25 from https://adoptium.net) and set JAVA_HOME to its folder." >&2
  exit 2
}

need_maven() {
  if ! command -v mvn >/dev/null; then
    echo "Graft is built by Apache Maven 3.8 or newer: install it (for example 'apt-get install maven') and try again." >&2
    exit 2
  fi
  # Maven's own libraries call what Java 25 warns of; that is nobody's concern here.
  export MAVEN_OPTS="${MAVEN_OPTS:-} --sun-misc-unsafe-memory-access=allow"
}
