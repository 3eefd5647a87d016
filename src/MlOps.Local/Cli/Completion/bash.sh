# Completion of mlops for bash. In ~/.bashrc:  source <(mlops completion bash)
# shellcheck shell=bash
_mlops() {
  local word=${COMP_WORDS[COMP_CWORD]} line=${COMP_LINE:0:COMP_POINT} suggestion
  line=${line#*[[:space:]]}
  COMPREPLY=()
  while IFS= read -r suggestion; do
    suggestion=${suggestion%$'\r'}
    case $suggestion in
      "$word"*) ;;
      *) continue ;;
    esac
    case $suggestion in
      /*) ;;
      -*) if [[ $word == -* ]]; then COMPREPLY+=("$suggestion"); fi ;; # else a file is meant, as likely as not
      *) COMPREPLY+=("$suggestion") ;;
    esac
  done < <("${1/#\~/$HOME}" "[suggest:${#line}]" "$line" 2> /dev/null)
}
complete -o default -F _mlops mlops
