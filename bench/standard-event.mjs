/** The event of every measurement: nested data, and six keys of context. */
export const NAME = 'address.create';

export const data = () => ({
  name: 'foo',
  address: { postal_code: '90210', country: 'United States' },
});

export const context = () => ({
  user_id: 10938,
  session_id: '29871kjdyoioey',
  ip: '203.0.113.7',
  host: 'shop.example.org',
  agent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  path: '/addresses',
});

/** Builds an equal event by hand. */
export const event = () => ({
  id: '01a20cbb-e184-7580-b6a8-d13d4d7e19bc',
  name: NAME,
  timestamp: new Date(),
  context: context(),
  data: data(),
});
