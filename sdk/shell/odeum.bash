# Completion of the odeum command for bash: commands, options, kinds, components, files.
_odeum() {
  local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]-}
  local commands="train eval sample report solve gradcheck list describe validate doctor new-plugin verify tune"
  local kinds="field solver controller gradient regularizer block objective dataset optimizer device"
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W "$commands --help --version" -- "$word")
    return
  fi
  case $word in
    -*)
      mapfile -t COMPREPLY < <(compgen -W "$("${COMP_WORDS[0]}" "$command" --help 2>/dev/null | sed -n 's/^  \(-[a-z] \[ \)\{0,1\}\(--[a-z-]*\).*/\2/p')" -- "$word")
      return
      ;;
  esac
  case $command in
    list | new-plugin)
      ((COMP_CWORD == 2)) && mapfile -t COMPREPLY < <(compgen -W "$kinds" -- "$word")
      ;;
    describe | verify)
      local components
      components=$("${COMP_WORDS[0]}" list 2>/dev/null | awk '/^[a-z]/ {kind = $1} /^  / {print kind "/" $1}')
      [[ $command == describe ]] && components+=" train solve gradcheck"
      mapfile -t COMPREPLY < <(compgen -W "$components" -- "$word"; [[ $command == verify ]] && compgen -f -X '!*.so' -- "$word")
      ;;
    *)
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      ;;
  esac
}
complete -o filenames -F _odeum odeum
