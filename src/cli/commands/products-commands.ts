import { type Command, Option } from 'commander';
import { allPages, config, json, limit, ndjson, url } from '../command-options.ts';

export function addProductsCommands(program: Command, end: (exitCode: number) => void): void {
  const products = program.command('products').description('list, create, enable and disable products');
  const command = (usage: string, description: string) =>
    products.command(usage).description(description).addOption(config()).addOption(url()).addOption(json());

  command('list', 'list products in order of id')
    .addOption(ndjson())
    .addOption(allPages())
    .addOption(limit())
    .addHelpText('after', '\nExample:\n  weir products list --all')
    .action(async (options) => end(await (await import('./products.ts')).listProducts(options)));
  command('create <id>', 'create a product; safe to repeat with the same properties')
    .requiredOption('--name <text>', 'name of the product')
    .requiredOption('--cpus <n>', 'processors')
    .requiredOption('--memory <MiB>', 'memory')
    .addOption(new Option('--gpu <n>', 'graphics processors').default('0'))
    .requiredOption('--image <name>', 'image that the machine boots from')
    .addOption(new Option('--price <cents>', 'of an order').default('0'))
    .addHelpText(
      'after',
      `
Example:
  weir products create 1004 --name 'GPU Large' --cpus 16 --memory 65536 --gpu 4 --image ubuntu-22.04-cuda --price 79900`,
    )
    .action(async (id, options) => end(await (await import('./products.ts')).createProduct(id, options)));
  command('enable <id>', 'enable a product from the next commit on')
    .addHelpText('after', '\nExample:\n  weir products enable 1001')
    .action(async (id, options) =>
      end(await (await import('./products.ts')).switchProduct(id, true, options)),
    );
  command('disable <id>', 'disable a product; pause its sale first')
    .addHelpText('after', '\nExample:\n  weir sale pause 1001 && weir products disable 1001')
    .action(async (id, options) =>
      end(await (await import('./products.ts')).switchProduct(id, false, options)),
    );
}
