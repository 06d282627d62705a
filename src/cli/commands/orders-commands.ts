import type { Command } from 'commander';
import { config, json, url } from '../command-options.ts';

export function addOrdersCommands(program: Command, end: (exitCode: number) => void): void {
  const orders = program
    .command('orders')
    .description('resend a missing payment or refund callback, signed as configured; safe to repeat');
  const command = (usage: string, description: string) =>
    orders.command(usage).description(description).addOption(config()).addOption(url()).addOption(json());
  command('paid <orderId>', 'say that an order is paid')
    .option('--product <id>', 'of an order that lives elsewhere')
    .option('--user <id>', 'of an order that lives elsewhere')
    .option('--payment-id <id>', "the payer's id of the payment")
    .option('--amount <cents>', 'what was paid')
    .option('--paid-at <time>', 'when, such as 2026-11-27T20:00:00Z, or 15m for so long ago')
    .addHelpText('after', '\nExample:\n  weir orders paid ORD250170457611829248 -conf configs/config.yaml')
    .action(async (orderId, options) => end(await (await import('./orders.ts')).payOrder(orderId, options)));
  command('refunded <orderId>', 'say that the money which Weir asked back has gone back')
    .option('--payment-id <id>', 'which payment, where the order was paid twice')
    .addHelpText(
      'after',
      '\nExample:\n  weir orders refunded ORD250170457611829248 -conf configs/config.yaml',
    )
    .action(async (orderId, options) =>
      end(await (await import('./orders.ts')).refundOrder(orderId, options)),
    );
  command('refund-again <orderId>', 'request the refund of an order once more')
    .addHelpText('after', '\nExample:\n  weir orders refund-again ORD250170457611829248')
    .action(async (orderId, options) =>
      end(await (await import('./orders.ts')).refundAgain(orderId, options)),
    );
}
