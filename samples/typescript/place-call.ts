// Have one call made through Temporal and await how it ends, perhaps days later.
import { Client, Connection } from '@temporalio/client';

/** What is sent: `outdial schema request-call` prints all of it. */
interface RequestCall {
  tenant: string;
  request: {
    to: string;
    agent: { id: string };
    variables?: Record<string, string>;
    schedule?: { hours: string };
  };
}

/** What comes back: `outdial schema request-result` prints all of it. */
interface RequestResult {
  outcome: string;
  attempts: number;
}

/** The workflow as this side sees it: its name, its input and its result. */
type RequestCallWorkflow = (asked: RequestCall) => Promise<RequestResult>;

async function main(to: string): Promise<void> {
  const connection = await Connection.connect({
    address: process.env.TEMPORAL_ADDRESS ?? 'localhost:7233',
  });
  try {
    const client = new Client({ connection });
    const result = await client.workflow.execute<RequestCallWorkflow>('RequestCallWorkflow', {
      args: [
        {
          tenant: 'default',
          request: {
            to,
            agent: { id: 'reception' },
            variables: { first_name: 'Ana' },
            schedule: { hours: '00:00-24:00' },
          },
        },
      ],
      workflowId: `request/default/sample-${to}`, // the same id again is the same request
      taskQueue: 'outdial',
    });
    console.log(`${result.outcome} after ${result.attempts} attempt(s)`);
  } finally {
    await connection.close();
  }
}

const [to] = process.argv.slice(2);
if (to === undefined) {
  throw new Error('found no number; write one such as +12125550143');
}
await main(to);
