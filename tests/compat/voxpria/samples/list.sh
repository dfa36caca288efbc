curl -X GET "https://app.voxpria.com/api/v1/calls?page=1&limit=50" \
  -H "Authorization: Bearer YOUR_API_KEY"
