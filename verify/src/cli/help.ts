export const help = `Buys from a running Weir in every way, and judges what became of each purchase.

Usage: npm run verify -- --url http://127.0.0.1:8000 [options]

The installation:
  --url <url>              a Weir; repeat it for several (WEIR_URL)
  --key <key>              operator key of scope admin (WEIR_KEY)
  --webhook-secret <text>  signs payment callbacks (VERIFY_WEBHOOK_SECRET)
  --postgres <url>         is only read; several hosts: HOST,HOST
                           (VERIFY_POSTGRES)
  --redis <address>        redis://, redis+sentinel://HOST,HOST/MASTER or
                           redis+cluster://HOST,HOST (VERIFY_REDIS)
  --rabbitmq <url>         several nodes: HOST,HOST (VERIFY_RABBITMQ)
  --created-queue <name>   resource.instance.created; repeat it for several
  --result-queue <name>    product.instance.result
  --release-queue <name>   resource.instance.release
  --refund-queue <name>    payment.order.refund

The purchases:
  --rate <n>               a second (50)
  --duration <time>        30s
  --count <n>              purchases in all, in place of --duration
  --mix <list>             stream=1,order=1,instance=1,buy=1
  --fail <percent>         instances that get the result FAILED (10)
  --wait <time>            how long everything may take to settle (60s)

The judgement:
  --no-consume             the real Resource Domain answers; rows and counters
                           are checked alone
  --redis-may-lose         entries that Redis acknowledged and lost are listed,
                           and violate nothing
  --json <file>            the verdict as JSON
  --html <file>            the verdict as one page
  --yes                    confirms that an address beyond this machine is no
                           production installation

Exit codes: 0 it holds, 1 it is violated, 2 it could not run.
`;
