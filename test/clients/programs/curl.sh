# curl: both forms, the key in either header, errors, and that nothing is held back on its way.
base=$BASE_URL key=$API_KEY
ask() { curl -sS -N "$base/chat/completions" -H "Authorization: Bearer $key" -H 'Content-Type: application/json' "$@"; }
body() { printf '{"model":"%s","messages":[{"role":"user","content":"What is the capital of France?"}]%s}' "$1" "$2"; }
check() { # name, then a command that must succeed
  name=$1
  shift
  if "$@" >/dev/null 2>&1; then printf '{"name":"%s","ok":true}\n' "$name"; else
    printf '{"name":"%s","ok":false,"why":"see programs/curl.sh"}\n' "$name"
  fi
}
whole() { ask -d "$(body demo)" | grep -q 'Paris'; }
stream() { ask -d "$(body demo ',"stream":true')" | tail -n 2 | grep -qx 'data: \[DONE\]'; }
api_key() { curl -sS "$base/models" -H "x-api-key: $key" | grep -q '"id":"demo"'; }
no_key() { curl -sS "$base/models" | grep -q '"code":"missing_authorization"'; }
unknown() { ask -d "$(body nobody)" | grep -q '"code":"model_not_in_allowlist"'; }
large() { # A body that curl asks leave for, by Expect: 100-continue.
  head -c 2000000 /dev/zero | tr '\0' x >"$HOME/long"
  { printf '{"model":"ok","messages":[{"role":"user","content":"'; cat "$HOME/long"; printf '"}]}'; } >"$HOME/body"
  ask -H 'Expect: 100-continue' -d "@$HOME/body" | grep -q 'It works'
}
chunked() { body ok | ask -H 'Transfer-Encoding: chunked' -d @- | grep -q 'It works'; }
old() { ask --http1.0 -d "$(body demo)" | grep -q 'Paris'; }
unbuffered() { # The upstream pauses for 200 ms after each of five words.
  ask -d "$(body slow ',"stream":true')" | while read -r line; do
    case $line in *word*) date +%s%N ;; esac
  done >"$HOME/times"
  first=$(head -n 1 "$HOME/times") last=$(tail -n 1 "$HOME/times")
  [ "$(wc -l <"$HOME/times")" -eq 5 ] && [ $(((last - first) / 1000000)) -ge 500 ]
}
check whole whole
check stream stream
check 'the key as x-api-key' api_key
check 'no key' no_key
check 'an unknown model' unknown
check 'a large body with Expect' large
check 'a chunked body' chunked
check 'HTTP/1.0' old
check 'words come as they are said' unbuffered
