import { type Command, Option } from 'commander';
import { allPages, config, json, limit, ndjson, url } from '../command-options.ts';

export function addSaleCommands(program: Command, end: (exitCode: number) => void): void {
  const sale = program.command('sale').description('open, show and change the flash sale of a product');
  const command = (usage: string, description: string) =>
    sale.command(usage).description(description).addOption(config()).addOption(url()).addOption(json());
  command('list', 'list all sales in order of product id')
    .addOption(ndjson())
    .addOption(allPages())
    .addOption(limit())
    .addHelpText('after', '\nExample:\n  weir sale list --all')
    .action(async (options) => end(await (await import('./sale.ts')).listSales(options)));
  command('open <productId>', 'open a sale, at once or between two times')
    .requiredOption('--stock <n>', 'units')
    .addOption(new Option('--limit <n>', 'units that one user may hold').default('1'))
    .option('--starts <time>', 'such as 2026-11-27T20:00:00Z, or 10m from now; default: now')
    .option('--ends <time>', 'default: never')
    .option('--tickets', 'only users with a ticket from before the start may buy')
    .option('--admit <n>', 'a waiting room that admits n visitors a second')
    .addHelpText('after', '\nExample:\n  weir sale open 1001 --stock 500 --starts 2026-11-27T20:00:00Z')
    .action(async (productId, options) =>
      end(await (await import('./sale.ts')).openSale(productId, options)),
    );
  command('show <productId>', 'show stock, sold, remaining and restocked units, and the state')
    .addHelpText('after', '\nExample:\n  weir sale show 1001')
    .action(async (productId, options) =>
      end(await (await import('./sale.ts')).showSale(productId, options)),
    );
  for (const [action, description] of [
    ['pause', 'pause the sale'],
    ['resume', 'resume the sale'],
    ['end', 'end the sale; it cannot be undone, buyers keep their units'],
  ] as const) {
    command(`${action} <productId>`, description)
      .addHelpText('after', `\nExample:\n  weir sale ${action} 1001`)
      .action(async (productId, options) =>
        end(await (await import('./sale.ts')).changeSale(productId, action, options)),
      );
  }
  command('add <productId> <units>', 'add stock')
    .addHelpText('after', '\nExample:\n  weir sale add 1001 50')
    .action(async (productId, units, options) =>
      end(await (await import('./sale.ts')).addStock(productId, units, options)),
    );
  command('restock <productId>', 'restock units again after Redis has lost them')
    .option('--since <time>', 'restocked since, such as 2h for two hours ago; default: all')
    .addHelpText(
      'after',
      `
Safe to repeat: the sale takes each unit once. For the sum \`returned\` of weir audit.

Example:
  weir sale restock 1001 --since 2026-11-27T20:00:00Z`,
    )
    .action(async (productId, options) =>
      end(await (await import('./sale.ts')).restockAgain(productId, options)),
    );
  command('ticket <productId> <userId>', 'issue a ticket to a user')
    .addOption(new Option('--unit <n>', 'number of the unit of this user').default('1'))
    .action(async (productId, userId, options) =>
      end(await (await import('./sale.ts')).issueTicket(productId, userId, options)),
    );
}
