# Completion of mlops for PowerShell. In $PROFILE:  mlops completion pwsh | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName mlops -ScriptBlock {
    param($word, $ast, $cursor)
    $name = $ast.CommandElements[0].Extent.Text
    $length = $cursor - $ast.Extent.StartOffset
    $line = $ast.Extent.Text.PadRight($length).Substring(0, $length).Substring($name.Length).TrimStart()
    & $name "[suggest:$($line.Length)]" $line 2> $null |
        Where-Object { $_.StartsWith($word) -and -not $_.StartsWith('/') -and ($word.StartsWith('-') -or -not $_.StartsWith('-')) } |
        ForEach-Object { [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_) }
}
