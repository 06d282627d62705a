import type { Command } from 'commander';
import { exitCodes } from '../exit-codes.ts';
import { printText } from '../output/output.ts';

export function addCompletionCommand(program: Command, end: (exitCode: number) => void): void {
  program
    .command('completion <shell>')
    .description('print the completion script of bash, zsh or fish')
    .addHelpText(
      'after',
      `
Examples:
  weir completion bash > ~/.local/share/bash-completion/completions/weir
  weir completion zsh > "\${fpath[1]}/_weir"
  weir completion fish > ~/.config/fish/completions/weir.fish
  source <(weir completion bash)`,
    )
    .action(async (shell: string) => {
      const { shells, writeCompletion } = await import('../completion.ts');
      if (!(shell in shells))
        program.error(`error: there is no completion for ${shell}: use bash, zsh or fish`);
      printText(writeCompletion(program, shell as keyof typeof shells));
      end(exitCodes.ok);
    });
}
