#compdef mlops
# Completion of mlops for zsh. In ~/.zshrc, after compinit:  source <(mlops completion zsh)
_mlops() {
  local word="${words[CURRENT]}" line="${(j: :)words[2,CURRENT]}"
  local -a suggestions
  suggestions=("${(@f)$(${~words[1]} "[suggest:${#line}]" "$line" 2> /dev/null)}")
  suggestions=(${suggestions:#/*})
  if [[ $word != -* ]]; then
    suggestions=(${suggestions:#-*}) # a file is meant, as likely as not
  fi
  if (( ${#suggestions} )); then
    compadd -a suggestions
  else
    _files
  fi
}
compdef _mlops mlops
