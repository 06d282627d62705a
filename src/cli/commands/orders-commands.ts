import { type Command, Option } from 'commander';
import { orderStatuses } from '../../core/orders/order-filter.ts';
import { allPages, config, format, json, limit, ndjson, url } from '../command-options.ts';

type End = (exitCode: number) => void;
type AddCommand = (usage: string, description: string) => Command;

export function addOrdersCommands(program: Command, end: End): void {
  const orders = program
    .command('orders')
    .description('list, show and cancel orders, report refunds, send callbacks');
  const command: AddCommand = (usage, description) =>
    orders.command(usage).description(description).addOption(config()).addOption(url()).addOption(json());
  addReads(command, end);
  addActions(command, end);
  addCallbacks(command, end);
}

function addReads(command: AddCommand, end: End): void {
  command('list', 'list orders, newest first')
    .addOption(ndjson())
    .addOption(allPages())
    .addOption(format())
    .addOption(limit())
    .addOption(new Option('--status <status>', 'status of the order').choices(orderStatuses))
    .option('--product <id>')
    .option('--user <id>')
    .option('--payment-id <id>', "the payer's id of a payment")
    .option('--from <time>', 'created since, such as 2026-11-27T20:00:00Z, or 15m for 15 minutes ago')
    .option('--to <time>', 'created before, in the same form')
    .addHelpText(
      'after',
      `
Examples:
  weir orders list --status PENDING
  weir orders list --payment-id pay_29f1c
  weir orders list --product 1001 --from 2h --all --ndjson | jq -r .userId`,
    )
    .action(async (options) => end(await (await import('./order-reads.ts')).listOrders(options)));
  command('refunds', 'list open refunds, also of orders kept elsewhere')
    .addOption(ndjson())
    .addOption(allPages())
    .addOption(format())
    .addOption(limit())
    .option('--order <id>', 'only those of one order')
    .addHelpText('after', '\nExample:\n  weir orders refunds --all --ndjson | jq -r .orderId')
    .action(async (options) => end(await (await import('./order-reads.ts')).listRefunds(options)));
  command('show <orderId>', 'show an order, its payments and its timeline')
    .addHelpText('after', '\nExample:\n  weir orders show ORD250170457611829248')
    .action(async (orderId, options) =>
      end(await (await import('./order-reads.ts')).showOrder(orderId, options)),
    );
}

function addActions(command: AddCommand, end: End): void {
  command('cancel <orderId>', 'cancel a pending order')
    .addHelpText('after', '\nExample:\n  weir orders cancel ORD250170457611829248')
    .action(async (orderId, options) =>
      end(await (await import('./orders.ts')).cancelOrder(orderId, options)),
    );
  command('mark-refunded <orderId>', 'record that the money was returned, with your reason')
    .requiredOption('--because <text>', 'your evidence that the money was returned')
    .option('--payment-id <id>', 'the payment, if the order was paid more than once')
    .addHelpText(
      'after',
      `
Needs an operator key with scope act, and no webhook secret.

Example:
  weir orders mark-refunded ORD250170457611829248 --because 'refund re_77 in the payer console'`,
    )
    .action(async (orderId, options) =>
      end(await (await import('./orders.ts')).markRefunded(orderId, options)),
    );
  command('refund-again <orderId>', 'request the refund of an order again')
    .addHelpText('after', '\nExample:\n  weir orders refund-again ORD250170457611829248')
    .action(async (orderId, options) =>
      end(await (await import('./orders.ts')).refundAgain(orderId, options)),
    );
}

/** Signed as configured, as the payment side would send them. */
function addCallbacks(command: AddCommand, end: End): void {
  command('paid <orderId>', 'send the callback that an order is paid')
    .option('--product <id>', 'of an order that Weir did not create')
    .option('--user <id>', 'of an order that Weir did not create')
    .option('--payment-id <id>', "the payer's id of the payment")
    .option('--amount <cents>', 'amount paid')
    .option('--paid-at <time>', 'when, such as 2026-11-27T20:00:00Z, or 15m for 15 minutes ago')
    .addHelpText('after', '\nExample:\n  weir orders paid ORD250170457611829248 -conf configs/config.yaml')
    .action(async (orderId, options) => end(await (await import('./orders.ts')).payOrder(orderId, options)));
  command('refunded <orderId>', 'send the callback that the money was returned')
    .option('--payment-id <id>', 'the payment, if the order was paid more than once')
    .addHelpText(
      'after',
      '\nExample:\n  weir orders refunded ORD250170457611829248 -conf configs/config.yaml',
    )
    .action(async (orderId, options) =>
      end(await (await import('./orders.ts')).refundOrder(orderId, options)),
    );
}
