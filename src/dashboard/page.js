const find = (id) => document.getElementById(id);
const refreshEveryMs = 1000;

async function call(method, path, body) {
  const key = sessionStorage.getItem('key');
  const response = await fetch(path, {
    method,
    headers: {
      ...(body ? { 'content-type': 'application/json' } : {}),
      ...(key ? { authorization: `Bearer ${key}` } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const answer = await response.json();
  find('key-form').hidden = response.status !== 401;
  if (!response.ok) throw new Error(answer.detail ?? `status ${response.status}`);
  return answer;
}

function fill(table, rows) {
  table.replaceChildren(
    ...rows.map((cells) => {
      const row = document.createElement('tr');
      for (const cell of cells) {
        const td = document.createElement('td');
        td.textContent = cell.text;
        if (cell.number) td.className = 'number';
        row.append(td);
      }
      return row;
    }),
  );
}

const text = (value) => ({ text: value });
const number = (value) => ({ text: value, number: true });

async function refresh() {
  try {
    const [sources, instances] = await Promise.all([
      call('GET', 'v1/stats/sources'),
      call('GET', 'v1/instances?limit=20'),
    ]);
    fill(
      find('sources'),
      sources.items.map((row) => [
        text(row.source),
        number(row.total),
        number(row.processing),
        number(row.success),
        number(row.failed),
        number(`${row.successRate} %`),
      ]),
    );
    fill(
      find('instances'),
      instances.items.map((row) => [
        text(row.instanceId),
        text(row.status),
        text(row.source),
        text(row.sourceId),
        text(row.productId),
        text(row.userId),
        text(new Date(row.createdAt).toLocaleTimeString()),
      ]),
    );
    find('health').textContent = 'running';
  } catch (error) {
    find('health').textContent = error.message;
  }
  setTimeout(refresh, document.hidden ? 5 * refreshEveryMs : refreshEveryMs);
}

const someUser = () => String(1 + Math.floor(Math.random() * 1_000_000));

const ways = {
  'buy-seckill': async (productId) => {
    const { stream, firstStreamId } = await call('POST', 'v1/try/seckill', {
      productId,
      firstUserId: someUser(),
    });
    return `Entry ${firstStreamId} is on ${stream}; its instance appears below.`;
  },
  'buy-order': async (productId) => {
    const order = await call('POST', 'v1/orders', { productId, userId: someUser() });
    const { instanceId } = await call('POST', `v1/orders/${order.id}/paid`);
    return `Order ${order.id} is paid: instance ${instanceId}.`;
  },
  'buy-gift': async (productId) => {
    const sourceId = `PAGE${Date.now()}`;
    const purchase = { source: 'ACTIVITY', sourceId, productId, userId: someUser() };
    const { instanceId } = await call('POST', 'v1/instances', purchase);
    return `Gift ${sourceId}: instance ${instanceId}.`;
  },
};

for (const [id, buy] of Object.entries(ways)) {
  find(id).addEventListener('click', async () => {
    try {
      find('answer').textContent = await buy(find('product').value);
    } catch (error) {
      find('answer').textContent = error.message;
    }
  });
}

find('key-form').addEventListener('submit', (event) => {
  event.preventDefault();
  sessionStorage.setItem('key', find('key').value);
  location.reload();
});

async function loadProducts() {
  const { items } = await call('GET', 'v1/products');
  find('product').replaceChildren(
    ...items.filter(({ enabled }) => enabled).map(({ id, name }) => new Option(`${id} ${name}`, id)),
  );
}

loadProducts().catch((error) => {
  find('answer').textContent = error.message;
});
refresh();
